/**
 * Images of earlier presets are rendered again while people upload. Nothing may be lost or announced twice, and uploads come first:
 * what they wait is measured without and with the command, in one run.
 *
 * Pictures are tiny, because on Lambda each worker has its own processor, and here all share one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pMap from 'p-map';
import { quantile } from 'simple-statistics';
import { imageIdOf } from '../../core/image.ts';
import { allPresets } from '../../core/presets.ts';
import type { ImageRecord } from '../../core/record.ts';
import { rerenderOf } from '../../core/rerender.ts';
import { disagreements } from '../../scripts/audit/audit-stack.ts';
import { isolateThisProcess } from '../../scripts/local/isolated-environment.ts';
import { startLocalStack } from '../../scripts/local/local-stack.ts';
import { follow } from '../../scripts/stack/follow.ts';
import type { Stack } from '../../scripts/stack/stack.ts';
import { stackSources } from '../../scripts/stack/stack-sources.ts';
import { type Report, showStep } from '../../scripts/terminal/progress.ts';
import { emulatedPipeline } from '../../test/support/emulated-pipeline.ts';
import { makeOutdated } from '../../test/support/outdated-image.ts';
import { smallImage } from '../../test/support/photos.ts';
import { exitCodeOf, startCommand } from './command.ts';
import type { Proof, ProofOptions } from './proof.ts';

const prefix = 'before/';
/** p95 of uploads beside the command, divided by p95 without it. In an account, 1.2 is the goal; here, all share the processor. */
const MOST_DELAY = 1.5;
/** For each upload, so many images are rendered again; at two per second, an upload comes every two and a half seconds. */
const IMAGES_PER_UPLOAD = 5;
const UPLOAD_EVERY_MILLIS = 2_500;
const PATIENCE_MILLIS = 120_000;

export async function proveRerender({ runs = 100 }: ProofOptions): Promise<readonly Proof[]> {
  isolateThisProcess();
  const { stack, emulator } = await startLocalStack(0, showStep);
  try {
    const pipeline = emulatedPipeline(stack);
    const keys = Array.from({ length: runs }, (_, index) => `${prefix}${index}.png`);
    const picture = await smallImage('#336633');
    await showStep(`${runs} pictures`, async (report) => {
      await pMap(keys, (key) => pipeline.put(key, picture), { concurrency: 8 });
      await decided(stack, pipeline.bucket, keys, report);
    });
    await showStep('As if of earlier presets', () =>
      pMap(keys, (key) => makeOutdated(pipeline, key), { concurrency: 8 }),
    );

    const uploads = Math.max(20, Math.ceil(runs / IMAGES_PER_UPLOAD));
    const upload = (folder: string) =>
      showStep(`${uploads} uploads: ${folder}`, () => liveUploads(stack, folder, uploads, picture));
    const calm = await upload('without');
    const heard = await pipeline.subscribe();
    const command = startCommand({ name: 'rerender', args: ['--prefix', prefix] }, stack, emulator);
    const [beside, exitCode] = await Promise.all([upload('beside'), exitCodeOf(command)]);

    const announced = Map.groupBy(await heard(), ({ detail }) => detail.image.key);
    const live = [...calm.keys, ...beside.keys];
    const sources = stackSources(stack, { prefix, perSecond: 5000 });
    const outdated = await pMap(keys, async (key) => {
      const current = await sources.current(await imageIdOf(pipeline.bucket, key), { bucket: pipeline.bucket, key });
      return rerenderOf(current, allPresets) === undefined ? [] : [`${key} was not rendered again.`];
    });
    const twice = [...keys, ...beside.keys].flatMap((key) => {
      const count = announced.get(key)?.length ?? 0;
      return count === 1 ? [] : [`${key} was announced ${count} times.`];
    });
    const wrong = [
      ...(exitCode === 0 ? [] : [`The command ended with exit code ${exitCode}.`]),
      ...outdated.flat(),
      ...[...calm.lost, ...beside.lost].map((key) => `${key} was not processed.`),
      ...twice,
    ];
    const p95 = ({ waits }: { readonly waits: readonly number[] }) => Math.round(quantile([...waits], 0.95));
    const [before, after] = [p95(calm), p95(beside)];
    const ratio = after / before;
    const found = await showStep('Audit', () => disagreements(stack));
    return [
      {
        promise: 'images of earlier presets are rendered again beside uploads: none is lost, each is announced once',
        evidence: `${runs} images, ${live.length} uploads, of which ${beside.keys.length} beside them`,
        against: wrong.length === 0 ? undefined : wrong.join('\n'),
      },
      {
        promise: `uploads come first: p95 at most ${MOST_DELAY} times, on a machine where all share the processor`,
        evidence: `p95 ${before} ms without, ${after} ms beside: ${ratio.toFixed(2)} times`,
        against: ratio <= MOST_DELAY ? undefined : `p95 is ${ratio.toFixed(2)} times as long.`,
      },
      {
        promise: 'afterwards, uploads, records and renditions agree',
        evidence: 'an audit',
        against: found.length === 0 ? undefined : found.join('\n'),
      },
    ];
  } finally {
    stack.close();
    await emulator.stop();
  }
}

/** `waits`: milliseconds from each upload to its record. */
async function liveUploads(stack: Stack, folder: string, uploads: number, picture: Uint8Array) {
  const pipeline = emulatedPipeline(stack);
  // One sender each, as people are.
  const keys = Array.from({ length: uploads }, (_, index) => `${folder}-${index}/picture.png`);
  const sent = await Promise.all(
    keys.map(async (key, index) => {
      await sleep(index * UPLOAD_EVERY_MILLIS);
      const sentAt = Date.now();
      await pipeline.put(key, picture);
      return { key, sentAt };
    }),
  );
  const records = await decided(stack, pipeline.bucket, keys, () => undefined);
  return {
    keys,
    lost: keys.filter((key) => !records.has(key)),
    waits: sent.flatMap(({ key, sentAt }) => {
      const record = records.get(key);
      return record === undefined ? [] : [Math.max(0, Date.parse(record.recordedAt) - sentAt)];
    }),
  };
}

/** The records of all that are processed, by key. Gives up if nothing happens any more. */
async function decided(
  stack: Stack,
  bucket: string,
  keys: readonly string[],
  report: Report,
): Promise<ReadonlyMap<string, ImageRecord>> {
  const uploads = await pMap(keys, async (key) => ({
    key,
    imageId: await imageIdOf(bucket, key),
    outcomeIn: (record: ImageRecord | undefined) =>
      record?.announced && record.outcome === 'processed' ? record : undefined,
  }));
  const records = new Map<string, ImageRecord>();
  const giveUp = (quietMillis: number) => quietMillis > PATIENCE_MILLIS;
  for await (const { upload, outcome } of follow(uploads, stack, { giveUp })) {
    if (outcome !== undefined) records.set(upload.key, outcome);
    report(`${records.size} processed`);
  }
  return records;
}
