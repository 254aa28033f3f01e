import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { serverMessage } from '../../api/live.ts';
import { card, cards, choose, describePage, expectCards, photograph } from './page-test.ts';

describePage('Several windows', {}, ({ open }) => {
  it('each person sees only their own', async () => {
    const [ann, ben] = [await open('ann'), await open('ben')];
    await choose(ann, await photograph('of-ann.jpg', 1));
    await choose(ben, await photograph('of-ben.jpg', 2));
    await expectCards(ann, 'ready', 1);
    await expectCards(ben, 'ready', 1);
    expect(await cards(ann).locator('.name').allTextContents()).toEqual(['of-ann.jpg']);
    expect(await cards(ben).locator('.name').allTextContents()).toEqual(['of-ben.jpg']);
  });

  it('of one person show the same, live', async () => {
    const [first, second] = [await open('ann'), await open('ann')];
    await choose(first, await photograph('shared.jpg', 3));
    await card(second, 'shared.jpg').and(cards(second, 'ready')).waitFor();
    await card(second, 'shared.jpg').getByRole('link').click();
    await second.getByRole('button', { name: 'Delete…' }).click();
    await second.getByRole('button', { name: 'Delete', exact: true }).click();
    await expectCards(first, undefined, 1);
  });

  it('sign out for themselves', async () => {
    const page = await open('ben');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Continue as ann' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Continue as ann' }).waitFor();
  });
});

describePage('A connection that breaks', {}, ({ open, gallery }) => {
  it('is made again, and nothing is missed or shown twice', async () => {
    const [watching, uploading] = [await open('ann'), await open('ann')];
    await watching.context().setOffline(true);
    await watching.getByText('Offline, reconnecting').waitFor();
    await choose(uploading, await photograph('while-offline.jpg', 1), await photograph('also.jpg', 2));
    await expectCards(uploading, 'ready', 2);
    await expectCards(watching, undefined, 0);
    await watching.context().setOffline(false);
    await expectCards(watching, 'ready', 2);
    await watching.getByText('Live', { exact: true }).waitFor();
    gallery().cutSockets();
    await choose(uploading, await photograph('after-the-cut.jpg', 3));
    await expectCards(watching, 'ready', 3);
    await expectCards(uploading, 'ready', 3);
  });

  it('delays uploads, and does not lose them', async () => {
    const page = await open('ben');
    await page.context().setOffline(true);
    await choose(page, await photograph('patient.jpg', 4));
    await expectCards(page, 'waiting', 1);
    await page.context().setOffline(false);
    await expectCards(page, 'ready', 1);
  });
});

type Step = 'before hello' | 'after hello' | 'at uploaded' | 'at described' | 'at ready' | 'at deleted';
const STEPS: readonly Step[] = ['before hello', 'after hello', 'at uploaded', 'at described', 'at ready', 'at deleted'];

const isAt = (step: Step, text: string): boolean => {
  const message = serverMessage.parse(JSON.parse(text));
  return message.kind === 'image' && step === `at ${message.image.state}`;
};

/** Calls `cut` at the first message of that step. A message about an image is lost. Later sockets are not open until `end`. */
async function cutAt(step: Step, page: Page, cut: () => void): Promise<{ isCut: () => boolean; end: () => void }> {
  const ended = Promise.withResolvers<void>();
  let isCut = false;
  const cutOnce = () => {
    isCut = true;
    cut();
  };
  await page.routeWebSocket(/\/live\?/, async (socket) => {
    if (isCut) await ended.promise;
    const server = socket.connectToServer();
    socket.onMessage((hello) => {
      if (step === 'before hello' && !isCut) cutOnce();
      else server.send(hello);
    });
    server.onMessage((message) => {
      if (!isCut && isAt(step, String(message))) return cutOnce();
      socket.send(message);
      if (step === 'after hello' && !isCut) cutOnce();
    });
  });
  return { isCut: () => isCut, end: ended.resolve };
}

const names = async (page: Page) => (await cards(page).locator('.name').allTextContents()).sort();

describePage('A socket that is cut', {}, ({ open, gallery }) => {
  it.each(STEPS)('%s is made again, and nothing is missing or shown twice', async (step) => {
    const [watching, acting] = [await open('ann'), await open('ann')];
    const before = await names(acting);
    await choose(acting, await photograph('to-remove.jpg', 1));
    await expectCards(acting, 'ready', before.length + 1);
    const socket = await cutAt(step, watching, () => gallery().cutSockets());
    await watching.reload();
    await expectCards(watching, 'ready', before.length + 1);
    // Those two steps are over before anything changes; the others wait for the change.
    if (step === 'before hello' || step === 'after hello') await expect.poll(socket.isCut).toBe(true);
    else await watching.getByText('Live', { exact: true }).waitFor();

    await choose(acting, await photograph(`${step}.jpg`, 2));
    await expectCards(acting, 'ready', before.length + 2);
    await card(acting, 'to-remove.jpg').getByRole('link').click();
    await acting.getByRole('button', { name: 'Delete…' }).click();
    await acting.getByRole('button', { name: 'Delete', exact: true }).click();
    await expectCards(acting, undefined, before.length + 1);
    await expect.poll(socket.isCut).toBe(true);
    socket.end();

    const expected = [...before, `${step}.jpg`].sort();
    await expect.poll(() => names(watching)).toEqual(expected);
    await expectCards(watching, 'ready', expected.length);
    await watching.getByText('Live', { exact: true }).waitFor();
    for (const page of [watching, acting]) {
      expect(await names(page)).toEqual(expected);
      await page.context().close();
    }
  });
});

const kept: string[] = [];
/** Loses every fifth message, sends every third twice, and every second late, after the one that follows. */
function unreliable(message: string): readonly string[] {
  kept.push(message);
  if (kept.length % 5 === 0) return [];
  if (kept.length % 2 === 1) return [];
  const late = kept.at(-2) ?? '';
  return kept.length % 3 === 0 ? [message, late, message] : [message, late];
}

describePage('Messages that are lost, late or repeated', { deliver: unreliable }, ({ open }) => {
  it('make no difference', async () => {
    const [first, second] = [await open('ann'), await open('ann')];
    const files = await Promise.all(Array.from({ length: 6 }, (_, index) => photograph(`p${index}.jpg`, index)));
    await choose(first, ...files);
    await expectCards(first, 'ready', 6);
    // If no message about an image arrives at all, the next hello shows it: here, after a reconnect.
    await second.context().setOffline(true);
    await second.getByText('Offline, reconnecting').waitFor();
    await second.context().setOffline(false);
    await expectCards(second, 'ready', 6);
    expect(await cards(second).count()).toBe(6);
  });
});
