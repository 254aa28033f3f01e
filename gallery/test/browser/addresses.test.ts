import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { card, choose, describePage, expectCards, photograph } from './page-test.ts';

const dialog = (page: Page, name: string) => page.getByRole('dialog', { name });
const isClosed = (page: Page) => page.getByRole('dialog').waitFor({ state: 'detached' });
const hashOf = (page: Page) => page.evaluate(() => location.hash);

async function addressOf(page: Page, name: string): Promise<string> {
  return `/${await card(page, name).getByRole('link').getAttribute('href')}`;
}

describePage('The address of a photograph', {}, ({ open }) => {
  it('opens it also if the first list does not have it', async () => {
    const page = await open('ann');
    for (const name of ['oldest.jpg', 'newest.jpg']) {
      await choose(page, await photograph(name, name.length));
      await card(page, name).getByRole('link').waitFor();
    }
    const address = await addressOf(page, 'oldest.jpg');
    await page.route('**/v1/images?*', async (route) => {
      await route.fallback({ url: `${route.request().url()}&limit=1` });
    });
    await page.reload();
    await expectCards(page, 'ready', 1);
    // There are others, so "1 ready" would not be true.
    await page.getByRole('status').filter({ hasText: '1+ ready' }).waitFor();
    await page.goto(address);
    await dialog(page, 'oldest.jpg').waitFor();
    await page.reload();
    await dialog(page, 'oldest.jpg').waitFor();
    await page.keyboard.press('Escape');
    await isClosed(page);
    expect(await hashOf(page)).toBe('#/');
  });

  it('of which nothing is known shows a sentence instead', async () => {
    const page = await open('ann');
    await page.goto(`/#/image/${'0'.repeat(32)}`);
    await page.getByRole('alert').getByText('It has been deleted, or its address is wrong.').waitFor();
    await expect.poll(() => hashOf(page)).toBe('#/');
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await card(page, 'newest.jpg').getByRole('link').click();
    await dialog(page, 'newest.jpg').waitFor();
  });

  it('of one that has been deleted shows a sentence instead, also by the way back', async () => {
    const page = await open('ben');
    await choose(page, await photograph('short-lived.jpg', 3));
    const address = await addressOf(page, 'short-lived.jpg');
    await page.goto(address);
    await dialog(page, 'short-lived.jpg').waitFor();
    await page.goto('/#/inside');
    await page.goto('/#/');
    await card(page, 'short-lived.jpg').getByRole('link').click();
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await expectCards(page, undefined, 0);
    expect(await page.getByRole('alert').count()).toBe(0);
    await page.goBack();
    await page.getByRole('heading', { name: 'Inside' }).waitFor();
    await page.goBack();
    await page.getByRole('alert').getByText('It has been deleted').waitFor();
  });
});

describePage('The way back', {}, ({ open }) => {
  it('leads past photographs that were closed, however many the person has turned to', async () => {
    const page = await open('ann');
    await choose(
      page,
      await photograph('one.jpg', 1),
      await photograph('two.jpg', 2),
      await photograph('three.jpg', 3),
    );
    await expectCards(page, 'ready', 3);
    await page.getByRole('link', { name: 'Inside' }).click();
    await page.getByRole('link', { name: 'Photographs', exact: true }).first().click();
    const names = await page.locator('.card .name').allTextContents();
    await card(page, names[0] ?? '')
      .getByRole('link')
      .click();
    await dialog(page, names[0] ?? '').waitFor();
    await page.keyboard.press('ArrowRight');
    await dialog(page, names[1] ?? '').waitFor();
    await page.getByRole('link', { name: 'Older photograph' }).click();
    await dialog(page, names[2] ?? '').waitFor();
    await page.keyboard.press('Escape');
    await isClosed(page);
    await page.goBack();
    await page.getByRole('heading', { name: 'Inside' }).waitFor();
    await page.goForward();
    await page.getByRole('heading', { name: 'Photographs' }).waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
  });

  it('closes the photograph that is open', async () => {
    const page = await open('ann');
    await card(page, 'one.jpg').getByRole('link').click();
    await dialog(page, 'one.jpg').waitFor();
    await page.goBack();
    await isClosed(page);
    await page.goForward();
    await dialog(page, 'one.jpg').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await isClosed(page);
    expect(await card(page, 'one.jpg').count()).toBe(1);
  });

  it('does not leave the page when a photograph that came by a link is closed, or is closed twice', async () => {
    const page = await open('ann');
    const address = await addressOf(page, 'one.jpg');
    await page.goto(address);
    await page.reload();
    await dialog(page, 'one.jpg').waitFor();
    await page.keyboard.press('Escape');
    await isClosed(page);
    await card(page, 'one.jpg').getByRole('link').click();
    await dialog(page, 'one.jpg').waitFor();
    await page.getByRole('button', { name: 'Close' }).evaluate((button: HTMLButtonElement) => {
      button.click();
      button.click();
    });
    await isClosed(page);
    expect(await card(page, 'one.jpg').count()).toBe(1);
    expect(await page.title()).toBe('Darkroom');
  });
});
