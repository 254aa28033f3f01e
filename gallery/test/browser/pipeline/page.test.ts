import { expect, inject, it } from 'vitest';
import { emulatedPipeline } from '../../../../test/support/emulated-pipeline.ts';
import { startGallery } from '../../../local/gallery.ts';
import { originPort } from '../../support/origin-port.ts';
import {
  card,
  cards,
  choose,
  describePageOf,
  drop,
  expectCards,
  expectPictures,
  photograph,
  text,
} from '../page-test.ts';

const { stack } = emulatedPipeline();
const step = <Result>(_: string, work: (report: () => void) => Promise<Result>) => work(() => undefined);
const onTheEmulator = () => startGallery({ stack, emulator: inject('emulator'), port: originPort, step });

describePageOf('The page, with the whole pipeline behind it', onTheEmulator, ({ open }) => {
  it('shows twelve dropped photographs become twelve pictures, also in a second window', async () => {
    const [page, second] = [await open('ann'), await open('ann')];
    await drop(
      page,
      ...(await Promise.all(Array.from({ length: 12 }, (_, index) => photograph(`${index}.jpg`, index)))),
    );
    for (const window of [page, second]) {
      await expectCards(window, 'ready', 12);
      await expectPictures(window, 12);
    }
  });

  it('shows the sentence of a rejection, to its owner only', async () => {
    const [ann, ben] = [await open('ann'), await open('ben')];
    await card(ann, '3.jpg').waitFor();
    const shown = await cards(ann).count();
    await choose(ben, text('notes.jpg'));
    await expectCards(ben, 'rejected', 1);
    expect(await card(ben, 'notes.jpg').locator('p').textContent()).toContain("don't recognise this file as an image");
    await expectCards(ann, undefined, shown);
  });

  it('replaces and deletes', async () => {
    const page = await open('ann');
    await card(page, '3.jpg').waitFor();
    const shown = await cards(page).count();
    await card(page, '3.jpg').getByRole('link').click();
    const picture = page.getByRole('dialog').locator('picture img');
    const before = await picture.getAttribute('src');
    await page.getByLabel('Replace with another file').setInputFiles(await photograph('other.jpg', 40));
    await expect.poll(() => picture.getAttribute('src'), { timeout: 60_000 }).not.toBe(before);
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await expectCards(page, undefined, shown - 1);
    expect(await cards(page).locator('.name').allTextContents()).not.toContain('3.jpg');
  });

  it('shows what happens inside', async () => {
    const page = await open('ann');
    await page.getByRole('link', { name: 'Inside' }).click();
    await page.getByText('ImageDeleted').first().waitFor();
    await page.getByText('Busy workers').waitFor();
  });
});
