import { expect, it } from 'vitest';
import { hostileKeys } from '../hostile/keys.ts';
import { type DomainEvent, emulatedPipeline } from '../support/emulated-pipeline.ts';
import { smallPicture } from '../support/photos.ts';

/** Keys that a path, a URL or a shell would read otherwise, through S3, events, queue, workflow, table and bus. */

const pipeline = emulatedPipeline();

it('a hostile key is followed through the whole pipeline as it is, and touches nobody else’s', async () => {
  const heard = await pipeline.subscribe();
  const failed: unknown[] = [];
  for (const key of hostileKeys)
    await pipeline
      .put(key, await smallPicture('#445566'))
      .catch((error: unknown) => failed.push([key.slice(0, 40), String(error)]));
  await pipeline.queueIsEmpty();
  const events = await heard();
  for (const key of hostileKeys) {
    const record = await pipeline.record(key);
    const of = events.filter((event: DomainEvent) => event.detail.image.key === key);
    console.log(
      JSON.stringify(key.slice(0, 40)),
      record?.outcome,
      record?.key === key,
      (await pipeline.renditionKeys(key)).length,
      of.length,
    );
  }
  console.log(failed);
  expect(failed).toEqual([]);
});
