import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { card, cards, choose, describePage, expectCards, photograph, text } from './page-test.ts';

/** The answer to each deletion, until `allow`. */
async function answerDeletions(page: Page, status: number | undefined): Promise<{ allow: () => Promise<void> }> {
  const address = '**/v1/images/*';
  await page.route(address, async (route) => {
    if (route.request().method() !== 'DELETE') await route.fallback();
    else if (status === undefined) await route.abort();
    else await route.fulfill({ status, json: {} });
  });
  return { allow: () => page.unroute(address) };
}

async function deleteInDialog(page: Page, name: string): Promise<void> {
  await card(page, name).getByRole('link').click();
  await page.getByRole('button', { name: 'Delete…' }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
}

describePage('A deletion that fails', {}, ({ open }) => {
  it('is reported with the name of the photograph and what to do, and can be tried again', async () => {
    const page = await open('ann');
    await choose(page, await photograph('stays.jpg', 1));
    await expectCards(page, 'ready', 1);
    const deletions = await answerDeletions(page, undefined);
    await deleteInDialog(page, 'stays.jpg');
    const alert = page.getByRole('alert');
    await alert.getByText('stays.jpg was not deleted.').waitFor();
    expect(await alert.textContent()).toContain('Check your connection and try again.');
    await expectCards(page, 'ready', 1);
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await alert.waitFor({ state: 'detached' });
    await deleteInDialog(page, 'stays.jpg');
    await alert.waitFor();
    await deletions.allow();
    await deleteInDialog(page, 'stays.jpg');
    await expectCards(page, undefined, 0);
    expect(await alert.count()).toBe(0);
  });

  it('is reported for a card that is removed, too', async () => {
    const page = await open('ben');
    await choose(page, text('notes.jpg'));
    await expectCards(page, 'rejected', 1);
    await answerDeletions(page, 429);
    await page.getByRole('button', { name: 'Remove notes.jpg' }).click();
    await page.getByRole('alert').getByText('notes.jpg was not deleted.').waitFor();
    expect(await cards(page, 'rejected').count()).toBe(1);
  });

  it('because the photograph is no longer there removes its card', async () => {
    const page = await open('ann');
    await choose(page, await photograph('gone.jpg', 2));
    await expectCards(page, 'ready', 1);
    await answerDeletions(page, 404);
    await deleteInDialog(page, 'gone.jpg');
    await expectCards(page, undefined, 0);
  });
});

describePage('A back end that starts anew', {}, ({ open, gallery }) => {
  it('leaves no photographs of the time before in open windows', async () => {
    const [page, away] = [await open('ann'), await open('ann')];
    await choose(page, await photograph('before.jpg', 1), await photograph('too.jpg', 2));
    await expectCards(page, 'ready', 2);
    await expectCards(away, 'ready', 2);
    await away.context().setOffline(true);
    await away.getByText('Offline, reconnecting').waitFor();
    gallery().startAnew();
    await page.getByRole('heading', { name: 'Drop photographs here' }).waitFor();
    await choose(page, await photograph('after.jpg', 3));
    await expectCards(page, 'ready', 1);
    // For this window, the new store was never empty.
    await away.context().setOffline(false);
    await expectCards(away, 'ready', 1);
    for (const window of [page, away])
      expect(await cards(window).locator('.name').allTextContents()).toEqual(['after.jpg']);
  });

  it('leaves none either in a window that was still asking for what it had missed', async () => {
    const page = await open('ben');
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    await page.route(/since=/, async (route) => {
      await answered;
      await route.continue();
    });
    await choose(page, await photograph('before.jpg', 1));
    await expectCards(page, 'ready', 1);
    gallery().startAnew();
    answer();
    await page.getByRole('heading', { name: 'Drop photographs here' }).waitFor();
  });
});
