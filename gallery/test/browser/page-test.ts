/** What a test of the page starts with: a gallery of its own, and windows in which people are signed in. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { buildPage } from '../../page/build.ts';
import { type PretendGallery, type PretendOptions, startPretendGallery } from '../support/pretend-gallery.ts';
import { chromiumMissing, chromiumPath } from './chromium.ts';

/** What serves the page: in memory, or with the emulator behind it. */
export interface Running {
  readonly address: string;
  close(): Promise<void>;
}

export interface PageTest<Gallery extends Running = PretendGallery> {
  readonly gallery: () => Gallery;
  /** Another window of a browser. Without `person`, nobody is signed in. */
  readonly open: (person?: 'ann' | 'ben', options?: BrowserContextOptions) => Promise<Page>;
}

/** A safety bound, as for Vitest: on a busy machine, seconds become minutes. */
const PATIENCE = 60_000;

/** All tests of the block share a gallery; its people keep what earlier tests have uploaded. */
export function describePage(name: string, options: PretendOptions, tests: (page: PageTest) => void): void {
  describePageOf(name, (pageDirectory) => startPretendGallery({ pace: 100, ...options, pageDirectory }), tests);
}

export function describePageOf<Gallery extends Running>(
  name: string,
  start: (pageDirectory: string) => Promise<Gallery>,
  tests: (page: PageTest<Gallery>) => void,
): void {
  if (chromiumPath === undefined) {
    describe(name, () => it.skip(`is not tested here. ${chromiumMissing}`));
    return;
  }
  const executablePath = chromiumPath;
  describe(name, () => {
    let folder: string;
    let gallery: Gallery;
    let browser: Browser;
    const errors: string[] = [];
    const requested: string[] = [];

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'gallery-page-'));
      await buildPage(folder);
      gallery = await start(folder);
      browser = await chromium.launch({ executablePath });
    });
    afterAll(async () => {
      await browser?.close();
      await gallery?.close();
      await rm(folder, { recursive: true });
    });

    const open = async (person?: string, contextOptions: BrowserContextOptions = {}) => {
      const context = await browser.newContext({ baseURL: gallery.address, ...contextOptions });
      // Pages that stay open take processor time from the tests that follow.
      onTestFinished(() => context.close());
      context.setDefaultTimeout(PATIENCE);
      const page = await context.newPage();
      page.on('request', (request) => requested.push(request.url()));
      page.on('websocket', (socket) => requested.push(socket.url()));
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('console', (message) => {
        // A violation of the Content-Security-Policy is one of these. Answers that say no, and none while offline, are expected.
        const isExpected = /^Failed to load resource|net::ERR_/.test(message.text());
        if (message.type() === 'error' && !isExpected) errors.push(message.text());
      });
      await page.goto('/');
      if (person !== undefined) {
        await page.getByRole('button', { name: `Continue as ${person}` }).click();
        await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
      }
      return page;
    };

    tests({ gallery: () => gallery, open });

    it('has caused no error in the browser, and no request to any other origin', async () => {
      await open();
      expect(errors).toEqual([]);
      expect(requested.length).toBeGreaterThan(0);
      const elsewhere = requested.filter((url) => !/^(data|blob):/.test(url) && new URL(url).host !== hostOf(gallery));
      expect(elsewhere).toEqual([]);
    });
  });
}

/** The form of a ticket, which S3 receives in an account. The API is below /v1. */
export const toBucket = /:\d+\/uploads$/;

const hostOf = ({ address }: Running) => new URL(address).host;

export interface TestFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** A small photograph, different from others by its colour. */
export async function photograph(
  name: string,
  hue = 0,
  exif: Readonly<Record<string, string>> = {},
  width = 480,
): Promise<TestFile> {
  const background = { r: (hue * 47) % 256, g: (hue * 91 + 60) % 256, b: (hue * 151 + 120) % 256 };
  const picture = sharp({ create: { width, height: (width * 2) / 3, channels: 3, background } });
  return { name, mimeType: 'image/jpeg', buffer: await picture.withExif({ IFD0: exif }).jpeg().toBuffer() };
}

export const text = (name: string): TestFile => ({
  name,
  mimeType: 'text/plain',
  buffer: Buffer.from('This is a text, whatever its name says.'),
});

/** Steps that last until the test finishes them, in their order. */
export function steps() {
  const waiting: (() => void)[] = [];
  let finished = 0;
  return {
    pause: async () => {
      if (finished === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      else finished -= 1;
    },
    finish: () => {
      const next = waiting.shift();
      if (next === undefined) finished += 1;
      else next();
    },
  };
}

/** By the file picker. */
export async function choose(page: Page, ...files: readonly TestFile[]): Promise<void> {
  await page.locator('input[type=file][multiple]').setInputFiles([...files]);
}

/** By drag and drop, as a browser delivers it. If the page does not prevent it, the browser opens the file instead of the page. */
export async function drop(page: Page, ...files: readonly TestFile[]): Promise<{ readonly opensFile: boolean }> {
  const sent = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, base64: buffer.toString('base64') }));
  const transfer = await page.evaluateHandle((all) => {
    const data = new DataTransfer();
    for (const { name, mimeType, base64 } of all) {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      data.items.add(new File([bytes], name, { type: mimeType }));
    }
    return data;
  }, sent);
  return page.evaluate((dataTransfer) => {
    const send = (kind: string) =>
      document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
    // Both have to be prevented.
    return { opensFile: [send('dragover'), send('drop')].includes(true) };
  }, transfer);
}

export const cards = (page: Page, stage?: string): Locator =>
  page.locator(stage === undefined ? '.card' : `.card[data-stage=${stage}]`);

export const card = (page: Page, name: string): Locator => page.locator('.card').filter({ hasText: name });

/** Waits for exactly so many. */
export async function expectCards(page: Page, stage: string | undefined, count: number): Promise<void> {
  await expect.poll(() => cards(page, stage).count()).toBe(count);
}

/** Waits until the picture itself is there, not only its placeholder. */
export async function expectPictures(page: Page, count: number): Promise<void> {
  await expect.poll(() => page.locator('.card picture img.loaded').count()).toBe(count);
}
