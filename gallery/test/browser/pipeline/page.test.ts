import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { Page } from 'playwright-core';
import { expect, inject, it, onTestFinished } from 'vitest';
import { physicalId } from '../../../../scripts/stack/stack.ts';
import { type Fault, startFaultProxy } from '../../../../test/faults/fault-proxy.ts';
import { emulatedPipeline } from '../../../../test/support/emulated-pipeline.ts';
import { startGallery } from '../../../local/gallery.ts';
import { galleryStackName } from '../../../local/gallery-stack.ts';
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

const pipeline = emulatedPipeline();
const { stack } = pipeline;
const step = <Result>(_: string, work: (report: () => void) => Promise<Result>) => work(() => undefined);
const onTheEmulator = () => startGallery({ stack, emulator: inject('emulator'), port: originPort, step });

describePageOf('The page, with the whole pipeline behind it', onTheEmulator, ({ open, gallery }) => {
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

  it('shows thirty dropped photographs become thirty pictures while workers are killed, none twice and none lost', async () => {
    // A picture is loaded when it comes near the window.
    const tall = { viewport: { width: 1280, height: 4000 } };
    const [page, second] = [await open('ann', tall), await open('ann', tall)];
    const heard = await pipeline.subscribe();
    const kills = await plannedKills(gallery().outputs.ChangeQueueUrl);

    await drop(page, ...(await Promise.all(thirty.map((name, index) => photograph(name, index)))));

    for (const window of [page, second]) {
      await expect.poll(() => thirtyIn(window, '[data-stage=ready]').count(), { timeout: 180_000 }).toBe(30);
      await expect.poll(() => thirtyIn(window, ':has(img.loaded)').count()).toBe(30);
    }
    expect(kills.happened()).toEqual(kills.planned.map(() => 1));
    const shown = await shownIn(page);
    expect(shown.map(([name]) => name).sort()).toEqual(thirty);
    expect(new Set(shown.map(([, address]) => address)).size).toBe(30);
    expect((await shownIn(second)).sort()).toEqual(shown.sort());
    // This window has received no change: it shows what is stored.
    expect((await shownIn(await open('ann', tall))).sort()).toEqual(shown);
    const results = (await heard()).flatMap(({ 'detail-type': type, detail: { id, image } }) =>
      type !== 'ImageDescribed' && image.key.includes('/thirty-') ? [`${type} ${id}`] : [],
    );
    expect([...new Set(results)].map((result) => result.split(' ')[0])).toEqual(thirty.map(() => 'ImageProcessed'));
    expect(await pipeline.messagesIn(gallery().outputs.ChangeDeadLetterQueueUrl)).toBe(0);
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
    await expect.poll(() => picture.getAttribute('src')).not.toBe(before);
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await expectCards(page, undefined, shown - 1);
    expect(await cards(page).locator('.name').allTextContents()).not.toContain('3.jpg');
  });

  it('shows what happens inside', async () => {
    const page = await open('ann');
    await page.getByRole('link', { name: 'Inside' }).click();
    await page.getByText('ImageDeleted').first().waitFor();
    await page.getByText('Being processed').waitFor();
  });
});

const thirty = Array.from({ length: 30 }, (_, index) => `thirty-${String(index).padStart(2, '0')}.jpeg`);
const thirtyIn = (page: Page, which = '') => page.locator(`.card${which}`).filter({ hasText: 'thirty-' });

/** The name and the address of each. */
async function shownIn(page: Page): Promise<(readonly [name: string, address: string])[]> {
  await thirtyIn(page).nth(29).waitFor();
  return await thirtyIn(page).evaluateAll((shown) =>
    shown.map(
      (one) =>
        [one.querySelector('.name')?.textContent ?? '', one.querySelector('a')?.getAttribute('href') ?? ''] as const,
    ),
  );
}

/**
 * Kills workers of fourteen of the thirty, in the middle of their work. Each image loses one worker only: the pipeline takes an image
 * that has lost two for the cause, and rejects it.
 */
async function plannedKills(changeQueueUrl: string) {
  const functions = {
    ExtractMetadata: await pipeline.physicalId('ExtractMetadataFunction'),
    ResizeImage: await pipeline.physicalId('ResizeImageFunction'),
    RecordChanges: await physicalId({ ...stack, name: galleryStackName }, 'RecordChangesFunction'),
  };
  const ofWorkers = [
    ['ExtractMetadata', 's3:GetObject', 'dies before'],
    ['ExtractMetadata', 's3:GetObject', 'dies after'],
    ['ResizeImage', 's3:GetObject', 'dies before'],
    // A rendition is stored, and its worker ends without saying so.
    ['ResizeImage', 's3:PutObject', 'dies after'],
  ] as const;
  const ofRecorder = [
    ['RecordChanges', 'dynamodb:TransactWriteItems', 'dies before'],
    // The change is stored, and sent to no window.
    ['RecordChanges', 'dynamodb:TransactWriteItems', 'dies after'],
  ] as const;
  const kills = [...ofWorkers, ...ofWorkers, ...ofWorkers, ...ofRecorder];
  const faults = kills.map(([step, action, kind], index): Fault => {
    const name = thirty[2 * index + 1] ?? '';
    // Its id is not known yet. The functions are given the key, which ends with the name.
    return { caller: functions[step], action, kind, image: { key: name, imageId: name }, times: 1 };
  });
  // Otherwise the queue delivers them again after six minutes.
  const redeliverAfter = (VisibilityTimeout: string) =>
    stack.clients.sqs.send(
      new SetQueueAttributesCommand({ QueueUrl: changeQueueUrl, Attributes: { VisibilityTimeout } }),
    );
  await redeliverAfter('15');
  const proxy = await startFaultProxy(inject('emulator'));
  const plan = proxy.plan(faults);
  onTestFinished(async () => {
    await proxy.stop();
    await redeliverAfter('360');
  });
  return { planned: faults, happened: () => faults.map((fault) => plan.happened(fault)) };
}
