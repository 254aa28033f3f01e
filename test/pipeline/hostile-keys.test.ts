import { expect, it } from 'vitest';
import { hostileKeys } from '../hostile/keys.ts';
import { emulatedPipeline } from '../support/emulated-pipeline.ts';
import { smallImage } from '../support/photos.ts';

/** Sends keys with a special meaning in a path, URL or shell through S3, EventBridge, queue, workflow, table and bus. */

// In the emulator's IAM, `*` does not match line breaks, so workers are denied access to such an upload.
const keys = hostileKeys.filter((key) => !key.includes('\n'));
const pipeline = emulatedPipeline();

it('an image with a hostile key is processed and announced under exactly that key, with its own renditions', async () => {
  // What earlier tests have deleted is announced before.
  await pipeline.queueIsEmpty();
  const heard = await pipeline.subscribe();
  const picture = await smallImage('#445566');
  for (const key of keys) await pipeline.put(key, picture);
  await pipeline.queueIsEmpty();

  const announced = (await heard()).map(({ 'detail-type': type, detail }) => [type, detail.image.key]);
  expect(new Set(announced.map(String))).toEqual(new Set(keys.map((key) => String(['ImageProcessed', key]))));
  const prefixes = new Set<string>();
  for (const key of keys) {
    const record = await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
    if (record.outcome !== 'processed') throw new Error(`${key}: ${record.outcome}`);
    expect(record.key).toBe(key);
    const shown = record.renditions.map((rendition) => rendition.key).sort();
    expect(shown).not.toEqual([]);
    expect(await pipeline.renditionKeys(key)).toEqual(shown);
    for (const rendition of shown) prefixes.add(rendition.replace(/\/.*/s, ''));
  }
  expect(prefixes.size).toBe(keys.length);
});
