import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import {
  card,
  cards,
  choose,
  describePage,
  expectCards,
  expectPictures,
  photograph,
  steps,
  text,
  toBucket,
} from './page-test.ts';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const wcag = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Rule and element of each violation. */
async function violations(page: Page): Promise<readonly string[]> {
  // Not as a script element, which the Content-Security-Policy forbids. Contrast is measured after everything has faded in.
  await page.evaluate(axe);
  await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== 'running'));
  const results = await page.evaluate<AxeResults, readonly string[]>(
    (tags) => Reflect.get(window, 'axe').run({ runOnly: tags }),
    wcag,
  );
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
  );
}

const looks = [
  { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  { colorScheme: 'dark', viewport: { width: 375, height: 700 } },
] as const;

describePage('Accessibility', {}, ({ open }) => {
  it.each(looks)('$colorScheme, $viewport.width pixels: no view has a violation of WCAG 2.2 AA', async (look) => {
    const options = { ...look, reducedMotion: 'reduce' } as const;
    const nobody = await open(undefined, options);
    await nobody.getByRole('button', { name: 'Continue as ann' }).waitFor();
    expect(await violations(nobody)).toEqual([]);
    const empty = await open('ben', options);
    expect(await violations(empty)).toEqual([]);
    const page = await open('ann', options);
    if ((await cards(page).count()) === 0)
      await choose(page, await photograph('a.jpg', 1), text('b.jpg'), await photograph('c.jpg', 2));
    await expectCards(page, 'ready', 2);
    await expectCards(page, 'rejected', 1);
    await expectPictures(page, 2);
    expect(await violations(page)).toEqual([]);
    await page.route('**/v1/uploads', (route) => route.abort('connectionrefused'));
    await choose(page, await photograph('waiting.jpg', 3));
    await card(page, 'waiting.jpg').getByText('Waiting for the connection…').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Cancel waiting.jpg' }).click();
    await page.unroute('**/v1/uploads');
    await page.route(toBucket, (route) => route.fulfill({ status: 403 }));
    await choose(page, await photograph('not.jpg', 3), await photograph('sent.jpg', 4));
    await page.getByRole('button', { name: 'Upload 2 files again' }).waitFor();
    expect(await violations(page)).toEqual([]);
    for (const name of ['not.jpg', 'sent.jpg']) await page.getByRole('button', { name: `Dismiss ${name}` }).click();
    await page.context().setOffline(true);
    await page.getByText('Offline, reconnecting').waitFor({ state: 'attached' });
    expect(await violations(page)).toEqual([]);
    await page.context().setOffline(false);
    await card(page, 'a.jpg').getByRole('link').click();
    await page.getByRole('dialog').locator('img.loaded').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByText('HTML', { exact: true }).click();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Inside' }).click();
    await page.getByText('ImageProcessed').first().click();
    expect(await violations(page)).toEqual([]);
  });

  it('everything can be done with the keyboard alone', async () => {
    const page = await open(undefined, { reducedMotion: 'reduce' });
    await page.getByRole('button', { name: 'Continue as ben' }).waitFor();
    await tabTo(page, 'Continue as ben');
    await page.keyboard.press('Enter');
    // Well before the key, because the browser takes a moment to pass file choosers on.
    const picker = page.waitForEvent('filechooser');
    await tabTo(page, 'Choose photographs');
    await page.keyboard.press('Enter');
    await (await picker).setFiles([await photograph('left.jpg', 1), await photograph('right.jpg', 2)]);
    await expectCards(page, 'ready', 2);
    // Which is the first depends on which was stored last.
    const names = await cards(page).locator('.name').allTextContents();
    const [first = '', other = ''] = names;
    await tabTo(page, first);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: first }).waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('dialog', { name: other }).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => focused(page)).toBe(other);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: other }).waitFor();
    await tabTo(page, 'Delete…');
    await page.keyboard.press('Enter');
    // On the answer that changes nothing.
    await expect.poll(() => focused(page)).toBe('Keep');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await expectCards(page, undefined, 1);
    // The neighbour of what was deleted.
    await expect.poll(() => focused(page)).toBe(first);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: first }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await expect.poll(() => focused(page)).toBe(first);
    await tabTo(page, 'Inside');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Inside' }).waitFor();
  });

  it('an upload can be cancelled with the keyboard', async () => {
    const page = await open('ben', { reducedMotion: 'reduce' });
    await page.route('**/uploads', (route) => route.abort('connectionrefused'));
    const before = await cards(page).count();
    await choose(page, await photograph('unwanted.jpg', 5), await photograph('wanted.jpg', 6));
    await tabTo(page, 'Cancel unwanted.jpg');
    await page.keyboard.press('Enter');
    await expectCards(page, undefined, before + 1);
    expect(await focused(page)).toBe('Cancel wanted.jpg');
    await page.unroute('**/uploads');
    await card(page, 'wanted.jpg').and(cards(page, 'ready')).waitFor();
    await page.reload();
    await expectCards(page, 'ready', before + 1);
  });

  it('a card that is removed or dismissed leaves the focus with its neighbour', async () => {
    const page = await open('ben', { reducedMotion: 'reduce' });
    const before = await cards(page).count();
    await choose(page, text('notes.txt'));
    await expectCards(page, 'rejected', 1);
    const neighbour = await cards(page).nth(1).locator('.name').textContent();
    await page.getByRole('button', { name: 'Remove notes.txt' }).focus();
    await page.keyboard.press('Enter');
    await expectCards(page, undefined, before);
    expect(await focused(page)).toBe(neighbour);
    await choose(page, { name: 'empty.jpg', mimeType: 'image/jpeg', buffer: Buffer.alloc(0) });
    await expectCards(page, 'refused', 1);
    await page.getByRole('button', { name: 'Dismiss empty.jpg' }).focus();
    await page.keyboard.press('Enter');
    await expectCards(page, undefined, before);
    expect(await focused(page)).toBe(neighbour);
  });

  it.each([320, 375, 768])('at %d pixels nothing has to be scrolled sideways', async (width) => {
    const page = await open('ann', { viewport: { width, height: 640 }, hasTouch: true });
    await expectPictures(page, 2);
    const tooWide = () =>
      page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(await tooWide()).toBe(0);
    await card(page, 'a.jpg').getByRole('link').click();
    await page.getByRole('dialog').waitFor();
    expect(await page.getByRole('dialog').evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth)).toBe(0);
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Inside' }).click();
    await page.getByRole('heading', { name: 'Latest events' }).waitFor();
    expect(await tooWide()).toBe(0);
  });
});

const { pause, finish } = steps();
describePage('For people who prefer reduced motion', { pause }, ({ open }) => {
  it('nothing moves: not while images are processed, not in the dialog, not in the inside view', async () => {
    const page = await open('ann', { reducedMotion: 'reduce' });
    const motions = await watchMotions(page);
    // Each picture is shown while it loads, however fast it comes: what is replaced before it is painted does not move.
    let arrival = Promise.withResolvers<void>();
    await page.route('**/renditions/**', async (route) => {
      await arrival.promise;
      await route.fallback();
    });

    // Large enough for the dialog to load another file than the grid.
    await choose(page, await photograph('still.jpg', 1, {}, 1500));
    await card(page, 'still.jpg').getByText('Uploaded').waitFor();
    expect(await motions()).toEqual([]);
    finish();
    await card(page, 'still.jpg').getByText('Described, rendering').waitFor();
    expect(await motions()).toEqual([]);
    finish();
    await card(page, 'still.jpg').locator('img.loading').waitFor();
    arrival.resolve();
    await expectPictures(page, 1);
    expect(await motions()).toEqual([]);
    arrival = Promise.withResolvers();
    await card(page, 'still.jpg').getByRole('link').click();
    await page.getByRole('dialog').locator('img.loading').waitFor();
    arrival.resolve();
    await page.getByRole('dialog').locator('img.loaded').waitFor();
    expect(await motions()).toEqual([]);

    await page.keyboard.press('Escape');
    await choose(page, await photograph('second.jpg', 2));
    await page.getByRole('link', { name: 'Inside' }).click();
    await page.locator('.station.active').filter({ hasText: 'Workflow' }).waitFor();
    finish();
    finish();
    // It passes the other stations, and disappears.
    await page.locator('.token').waitFor({ state: 'detached' });
    expect(await motions()).toEqual([]);
  });

  it('and only for them: otherwise, an image that is processed shows it by motion', async () => {
    const page = await open('ben', { reducedMotion: 'no-preference' });
    const motions = await watchMotions(page);
    await choose(page, await photograph('moving.jpg', 3));
    await card(page, 'moving.jpg').getByText('Uploaded').waitFor();
    expect(await motions()).toContain('animation of SPAN current');
    finish();
    finish();
    await expectPictures(page, 1);
  });
});

/** Records transitions and animations from now on. Returns how to read those that have begun. */
async function watchMotions(page: Page): Promise<() => Promise<readonly string[]>> {
  await page.evaluate(() => {
    const begun: string[] = [];
    const describe = (kind: string, target: EventTarget | null | undefined) =>
      target instanceof Element ? `${kind} of ${target.tagName} ${target.getAttribute('class') ?? ''}` : kind;
    const record = (event: Event) =>
      begun.push(describe(event instanceof TransitionEvent ? event.propertyName : 'animation', event.target));
    addEventListener('transitionrun', record);
    addEventListener('animationstart', record);
    // The events of what has just begun come with the next frame.
    const running = () =>
      document.getAnimations().map(({ effect }) => {
        const target = effect instanceof KeyframeEffect ? effect.target : undefined;
        return describe('animation', target);
      });
    Object.assign(window, { motions: () => [...begun, ...running()] });
  });
  return () => page.evaluate<readonly string[]>(() => Reflect.get(window, 'motions')());
}

describePage('A photograph that was just closed', {}, ({ open }) => {
  it('opens again, also if the browser is slow to notice its address', async () => {
    const page = await open('ann');
    await choose(page, await photograph('again.jpg', 3));
    await expectPictures(page, 1);
    await page.addInitScript(() => {
      const listen = window.addEventListener.bind(window);
      const slowly = (type: string, listener: (event: Event) => void, options?: AddEventListenerOptions) =>
        listen(type, type === 'hashchange' ? (event) => setTimeout(() => listener(event), 500) : listener, options);
      Object.assign(window, { addEventListener: slowly });
    });
    await page.reload();
    await expectPictures(page, 1);
    await card(page, 'again.jpg').getByRole('link').focus();
    for (const _ of ['first', 'again']) {
      await page.keyboard.press('Enter');
      await page.getByRole('dialog', { name: 'again.jpg' }).waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
      await expect.poll(() => focused(page), { interval: 5 }).toBe('again.jpg');
    }
  });
});

const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    const image = element?.matches('a') === true ? element.querySelector('picture img') : null;
    const spoken = element?.cloneNode(true);
    if (spoken instanceof Element) for (const silent of spoken.querySelectorAll('[aria-hidden]')) silent.remove();
    return image?.getAttribute('alt') ?? element?.getAttribute('aria-label') ?? spoken?.textContent?.trim() ?? '';
  });

/** Goes round until the element is there: a page that is still loading does not have it yet. */
async function tabTo(page: Page, name: string): Promise<void> {
  const next = async () => {
    const reached = await focused(page);
    if (reached !== name) await page.keyboard.press('Tab');
    return reached;
  };
  await expect.poll(next, { interval: 5, message: `The Tab key does not reach "${name}".` }).toBe(name);
}
