import { HeadObjectCommand, NotFound } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { imageIdOf, nextSequencer } from '../../core/image.ts';
import { renditionGroups } from '../../core/presets.ts';
import { rerenderOf } from '../../core/rerender.ts';
import { disagreements } from '../../scripts/audit/audit-stack.ts';
import { rerender } from '../../scripts/rerender/rerender-stack.ts';
import { pauseIntake, resumeIntake } from '../../scripts/stack/intake-switch.ts';
import { repairAll } from '../../scripts/stack/repair.ts';
import { stackSources } from '../../scripts/stack/stack-sources.ts';
import { type DomainEvent, emulatedPipeline, eventually } from '../support/emulated-pipeline.ts';
import { makeOutdated } from '../support/outdated-image.ts';
import { photo } from '../support/photos.ts';

/** After a change of presets, `npm run rerender` makes the new renditions, and what users do meanwhile wins. */

const pipeline = emulatedPipeline();
const { stack, s3, bucket, renditionBucket } = pipeline;
const prefix = 'rerendered/';
const outdatedNames = ['one', 'two', 'three'] as const;
const liveNames = ['overwritten', 'replaced-before', 'deleted', 'infected'] as const;
const names = [...outdatedNames, ...liveNames, 'current'] as const;
const keyOf = (name: (typeof names)[number]) => `${prefix}${name}.jpg`;
const presets = renditionGroups.flatMap((group) => group.presets);
const signal = new AbortController().signal;
const quietly = { prefix, json: true, yes: true, perSecond: 20 } as const;
let heard: () => Promise<DomainEvent[]>;

async function exists(Key: string): Promise<boolean> {
  try {
    await s3.send(new HeadObjectCommand({ Bucket: renditionBucket, Key }));
    return true;
  } catch (error) {
    if (error instanceof NotFound) return false;
    throw error;
  }
}

/** What the command would put into the queue now. */
async function due(name: (typeof names)[number]) {
  const imageId = await imageIdOf(bucket, keyOf(name));
  const current = await stackSources(stack, { prefix, perSecond: 100 }).current(imageId, { bucket, key: keyOf(name) });
  const repair = rerenderOf(current, presets);
  if (repair === undefined) throw new Error(`${name} is not outdated.`);
  return [{ imageId, repairs: [repair] }];
}

const pace = { perSecond: 20, report: () => undefined };
const eventsOf = async (name: (typeof names)[number]) =>
  (await heard()).filter(({ detail }) => detail.image.key === keyOf(name));

beforeAll(async () => {
  await pipeline.queueIsEmpty();
  await Promise.all(names.map((name) => pipeline.put(keyOf(name), photo('rocket.jpg'))));
  for (const name of names) await pipeline.recordWhen(keyOf(name), ({ outcome }) => outcome === 'processed');
  heard = await pipeline.subscribe();
});
afterAll(() => resumeIntake(stack));

it('a stack whose images are all current has nothing to do', async () => {
  expect(await rerender(stack, quietly, signal)).toBe(0);
  expect(await pipeline.record(keyOf('current'))).toMatchObject({ outcome: 'processed' });
  expect(await eventsOf('current')).toEqual([]);
});

it('outdated images get new renditions, one event each, and their old renditions go; others stay as they are', async () => {
  const before = await Promise.all(outdatedNames.map((name) => pipeline.record(keyOf(name))));
  const current = await pipeline.record(keyOf('current'));
  const gone = await Promise.all(outdatedNames.map((name) => makeOutdated(pipeline, keyOf(name))));

  // Nothing happens before the operator agrees.
  expect(await rerender(stack, { ...quietly, dryRun: true }, signal)).toBe(0);
  // Nor if another preset is meant.
  expect(await rerender(stack, { ...quietly, only: ['jpeg-1280'] }, signal)).toBe(0);
  expect(await Promise.all(gone.map(exists))).toEqual([true, true, true]);
  expect(await rerender(stack, quietly, signal)).toBe(0);

  for (const [index, name] of outdatedNames.entries()) {
    const record = await pipeline.recordWhen(keyOf(name), () => true);
    expect(record.sequencer).toBe(nextSequencer(z.string().parse(before[index]?.sequencer)));
    const listed = record.outcome === 'processed' ? record.renditions : [];
    expect(await pipeline.renditionKeys(keyOf(name))).toEqual(listed.map(({ key }) => key).sort());
    const events = await eventually('an event', async () => {
      const found = await eventsOf(name);
      return found.length > 0 ? found : undefined;
    });
    expect(events.map(({ detail }) => detail)).toMatchObject([{ image: { key: keyOf(name) }, renditions: listed }]);
  }
  expect(await pipeline.record(keyOf('current'))).toEqual(current);
  expect(await disagreements(stack, { prefix })).toEqual([]);
});

it('an overwrite, an overwrite that is already on record, a deletion and a malware verdict win against a re-render in the queue', async () => {
  await Promise.all(liveNames.map((name) => makeOutdated(pipeline, keyOf(name))));
  const asked = new Map(await Promise.all(liveNames.map(async (name) => [name, await due(name)] as const)));
  const before = await pipeline.put(keyOf('replaced-before'), photo('rocket.jpg'));
  const replaced = await pipeline.recordWhen(keyOf('replaced-before'), ({ sequencer }) => {
    const [image] = asked.get('replaced-before') ?? [];
    return sequencer > z.string().parse(image?.repairs[0]?.sequencer);
  });
  await pauseIntake(stack);
  for (const name of liveNames) await repairAll(stack, asked.get(name) ?? [], pace);
  const overwrite = await pipeline.put(keyOf('overwritten'), photo('flowers-iphone5-gps-small.jpg'));
  await pipeline.delete(keyOf('deleted'));
  const { version: etag } = await pipeline.recordWhen(keyOf('infected'), () => true);
  await pipeline.reportMalware({ key: keyOf('infected'), etag });
  await resumeIntake(stack);
  await pipeline.queueIsEmpty();

  expect(await pipeline.recordWhen(keyOf('overwritten'), ({ version }) => version === overwrite.etag)).toMatchObject({
    outcome: 'processed',
  });
  expect(await pipeline.record(keyOf('replaced-before'))).toEqual(replaced);
  expect(replaced.version).toBe(before.etag);
  await pipeline.recordWhen(keyOf('deleted'), ({ outcome }) => outcome === 'deleted');
  await pipeline.recordWhen(keyOf('infected'), ({ outcome }) => outcome === 'rejected');
  expect(await pipeline.renditionKeys(keyOf('infected'))).toEqual([]);
  expect(await disagreements(stack, { prefix })).toEqual([]);
});

it('stops after the first image if the stack has other presets than this checkout', async () => {
  const changed = presets.map((preset) => ({ ...preset, quality: 1 }));
  const before = await Promise.all(outdatedNames.map((name) => pipeline.record(keyOf(name))));
  await expect(rerender(stack, { ...quietly, restart: true }, signal, changed)).rejects.toThrow(
    'has other presets than this checkout',
  );
  await pipeline.queueIsEmpty();
  const after = await Promise.all(outdatedNames.map((name) => pipeline.record(keyOf(name))));
  const touched = after.filter((record, index) => record?.sequencer !== before[index]?.sequencer);
  expect(touched.length).toBeLessThanOrEqual(1);
});
