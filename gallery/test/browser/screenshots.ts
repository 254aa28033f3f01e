/**
 * `npm run screenshots` in gallery/: the pictures of gallery/README.md, at three widths. The gallery runs in memory
 * (gallery/test/support), with the real renditions of the sample photographs.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import { command, main } from '../../../scripts/terminal/command.ts';
import { Failure } from '../../../scripts/terminal/failure.ts';
import { print } from '../../../scripts/terminal/print.ts';
import { showStep } from '../../../scripts/terminal/progress.ts';
import { projectDirectory, shownPath } from '../../../scripts/terminal/project.ts';
import { buildPage } from '../../page/build.ts';
import { startPretendGallery } from '../support/pretend-gallery.ts';
import { chromiumMissing, chromiumPath } from './chromium.ts';

const documents = join(projectDirectory, 'gallery', 'docs');
const LARGEST = 200_000;

const wide: BrowserContextOptions = { viewport: { width: 1280, height: 840 } };
const tablet: BrowserContextOptions = { viewport: { width: 820, height: 1100 }, colorScheme: 'dark' };
const phone: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, deviceScaleFactor: 2 };

export const screenshotsCommand = command({
  name: 'npm run screenshots',
  summary: 'Takes the screenshots in gallery/docs anew.',
  syntax: (line) => line,
  run: async () => {
    if (chromiumPath === undefined) throw new Failure(chromiumMissing);
    const folder = await mkdtemp(join(tmpdir(), 'gallery-page-'));
    await showStep('Building the page', () => buildPage(folder));
    const gallery = await startPretendGallery({ pageDirectory: folder, pace: 1500 });
    const browser = await chromium.launch({ executablePath: chromiumPath });
    try {
      await showStep('Taking screenshots', () => takeAll(browser, gallery.address));
    } finally {
      await browser.close();
      await gallery.close();
      await rm(folder, { recursive: true });
    }
    return 0;
  },
});

async function takeAll(browser: Browser, address: string): Promise<void> {
  const first = await signIn(browser, address, wide);
  await first.getByRole('button', { name: 'Use sample photographs' }).click();
  await settled(first);
  await save(first, 'photographs');
  await save(await withPhotographs(browser, address, phone), 'phone');
  const dark = await withPhotographs(browser, address, tablet);
  await dark.locator('.card').filter({ hasText: 'rocket.jpg' }).getByRole('link').click();
  await dark.getByRole('dialog').locator('img.loaded').waitFor();
  await settled(dark);
  await save(dark, 'photograph-dark');
  await takeInside(browser, address);
}

/** While images are on their way. */
async function takeInside(browser: Browser, address: string): Promise<void> {
  const inside = await signIn(browser, address, wide, 'ben');
  await inside.getByRole('button', { name: 'Use sample photographs' }).click();
  await inside.locator('.card').nth(6).waitFor();
  await inside.getByRole('link', { name: 'Inside' }).click();
  // Some on their way, some announced.
  await inside.waitForFunction(
    () =>
      document.querySelectorAll('.station.active').length >= 3 &&
      document.querySelector('.worker.busy') !== null &&
      document.querySelectorAll('.token').length >= 4 &&
      document.querySelectorAll('.event-type').length >= 9,
  );
  await save(inside, 'inside');
}

async function signIn(
  browser: Browser,
  address: string,
  options: BrowserContextOptions,
  person = 'ann',
): Promise<Page> {
  // Nothing half-way: no photograph between two stations, and none that fades in.
  const page = await (await browser.newContext({ ...options, reducedMotion: 'reduce' })).newPage();
  await page.goto(address);
  await page.getByRole('button', { name: `Continue as ${person}` }).click();
  await page.getByText('Live', { exact: true }).waitFor({ state: 'attached' });
  return page;
}

async function withPhotographs(browser: Browser, address: string, options: BrowserContextOptions): Promise<Page> {
  const page = await signIn(browser, address, options);
  await settled(page);
  return page;
}

/** Each picture in sight is there. */
async function settled(page: Page): Promise<void> {
  await page.waitForFunction(
    () =>
      document.querySelectorAll('[data-stage=ready]').length >= 6 &&
      document.querySelectorAll('[data-stage=rejected]').length >= 1 &&
      [...document.querySelectorAll('picture img')].every(
        (image) => image.getBoundingClientRect().top > innerHeight || image.matches('.loaded'),
      ),
  );
  // The browser decodes a loaded picture later, and shows the placeholder until then.
  await page
    .locator('img.loaded')
    .evaluateAll((images: HTMLImageElement[]) => Promise.all(images.map((one) => one.decode())));
}

async function save(page: Page, name: string): Promise<void> {
  // Where it hovers over nothing.
  await page.mouse.move(0, 0);
  const file = join(documents, `${name}.webp`);
  const { size } = await sharp(await page.screenshot())
    .webp({ quality: 86, effort: 6 })
    .toFile(file);
  if (size > LARGEST) throw new Failure(`${shownPath(file)} has ${size} bytes, and at most ${LARGEST} are allowed.`);
  print(`${shownPath(file)}: ${size} bytes`);
}

if (import.meta.main) await main(screenshotsCommand);
