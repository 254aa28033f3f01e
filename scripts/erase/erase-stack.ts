/** One erasure, from the price to the report. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import pThrottle from 'p-throttle';
import * as z from 'zod';
import { sumOf } from '../../core/erase.ts';
import { imageIdOf } from '../../core/image.ts';
import { withStack } from '../local/running-stack.ts';
import { batchesOf } from '../stack/batches.ts';
import { historySize } from '../stack/history-store.ts';
import { requireOpenIntake } from '../stack/intake-switch.ts';
import { deleteNotebook, everyOf, resumed } from '../stack/notebook.ts';
import { minutesOnTheWay } from '../stack/settle.ts';
import { type Stack, uploadBuckets } from '../stack/stack.ts';
import { tableSize } from '../stack/table-size.ts';
import { confirm } from '../terminal/confirm.ts';
import { Failure } from '../terminal/failure.ts';
import { printPlan } from '../terminal/plan.ts';
import { print } from '../terminal/print.ts';
import { printable } from '../terminal/printable.ts';
import { outputFor, type Step } from '../terminal/progress.ts';
import { workDirectory } from '../terminal/project.ts';
import { plainTable } from '../terminal/table.ts';
import { type Erasure, eraseImages, isToErase, lookAgain, planErasure } from './erase-images.ts';
import {
  describeHolds,
  describeResult,
  describeScan,
  describeWork,
  planWork,
  remainingAfter,
  totalsOf,
} from './erase-report.ts';
import { type ErasureNotebook, openErasureNotebook } from './erasure-notebook.ts';
import { historyDelaySeconds } from './history-delay.ts';
import { invalidate, WILDCARDS_AT_ONCE } from './invalidation.ts';
import { imagesBelow, requireRemovable, stackTraces } from './stack-traces.ts';

export interface EraseOptions {
  /** Of one image; otherwise `prefix`. */
  readonly key?: string | undefined;
  readonly prefix?: string | undefined;
  /** Of the images; without it, the upload bucket. */
  readonly bucket?: string;
  readonly distribution?: string;
  readonly perSecond?: number | undefined;
  readonly dryRun?: true;
  readonly json?: true;
  readonly restart?: true;
  readonly stack?: string;
  readonly yes?: true;
}

const READS_PER_SECOND = 500;
/** Maximum rows in a table; totals count all. */
const SHOWN_ROWS = 20;

/** Returns the exit code. */
export function eraseStack(options: EraseOptions, signal: AbortSignal): Promise<number> {
  return withStack(options.stack, (stack) => erase(stack, options, signal));
}

/** Returns the exit code: 0 if everything is erased. */
export async function erase(stack: Stack, options: EraseOptions, signal: AbortSignal): Promise<number> {
  const { dryRun, restart } = options;
  await requireRemovable(stack, bucketOf(stack, options));
  const path = await notebookOf(stack, options);
  if (restart) deleteNotebook(path);
  const notebook = dryRun
    ? openErasureNotebook(':memory:')
    : resumed(path, openErasureNotebook, 'erasure', outputFor(options.json).say);
  try {
    const isOver = await eraseWith(notebook, stack, options, signal);
    const { refused, left } = totalsOf(everyOf(notebook.targets));
    if (isOver && !dryRun) deleteNotebook(path);
    return refused + sumOf(left) === 0 ? 0 : 1;
  } finally {
    notebook.close();
  }
}

/** Returns false if the operator did not agree. */
async function eraseWith(
  notebook: ErasureNotebook,
  stack: Stack,
  options: EraseOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { dryRun, json, yes } = options;
  const { step, say } = outputFor(json);
  const perSecond = options.perSecond ?? stack.outputs.IntakeConcurrency;
  const tableBytes = await bytesToScan(stack, options);
  const { objects: historyObjects } = await historySize(stack);
  say(`${stack.name}: ${describeScan(tableBytes)}`);
  const run: Erasure = {
    ...{ notebook, signal },
    turn: pThrottle({ limit: perSecond, interval: 1000 })(async () => {}),
    store: await stackTraces(stack, { bucket: bucketOf(stack, options), perSecond: READS_PER_SECOND, signal }),
  };
  await step('First look', (report) => planErasure({ ...run, report }, imagesOf(stack, options)));
  const plan = totalsOf(everyOf(notebook.targets));
  sayHolds(notebook, say);
  const waitMinutes = minutesOnTheWay(stack) + Math.ceil(historyDelaySeconds(stack) / 60);
  const invalidates = options.distribution !== undefined;
  const conditions = { perSecond, tableBytes, historyObjects, invalidates, waitMinutes };
  say(describeWork(plan, conditions));
  if (dryRun || plan.images === 0) {
    if (json && dryRun) printPlan({ ...plan, ...planWork(plan, conditions), waitMinutes });
    else if (json) print(JSON.stringify(plan));
    return true;
  }
  // While intake is paused, nothing would write the tombstones.
  await requireOpenIntake(stack);
  if (!yes && !(await confirm(`Erase ${plan.images} images for good?`, signal))) return false;
  await step('Erase', (report) => eraseImages({ ...run, report }));
  const invalidations = await invalidateAll(stack, run, options, step);
  await step('Second look', (report) => lookAgain({ ...run, report }));
  report(notebook, invalidations, options, say);
  return true;
}

/** @throws {Failure} if nothing would write tombstones for the images of the bucket */
export function bucketOf({ name, outputs }: Stack, { bucket }: Pick<EraseOptions, 'bucket'>): string {
  if (bucket === undefined) return outputs.UploadBucketName;
  const buckets = uploadBuckets(outputs);
  if (buckets.includes(bucket)) return bucket;
  throw new Failure(
    `${name} does not process the images of ${bucket}: it processes those of ${buckets.join(' and ')}. Nothing was changed. ` +
      `If ${bucket} was adopted before, deploy the stack with AdoptedBucketName=${bucket} first: docs/backfill.md.`,
  );
}

async function* imagesOf(stack: Stack, options: EraseOptions) {
  const { key, prefix = '' } = options;
  const bucket = bucketOf(stack, options);
  if (key === undefined) yield* imagesBelow(stack, bucket, prefix);
  else yield { imageId: await imageIdOf(bucket, key), key };
}

/** Decisions are found by reading their whole table, and records of a prefix, too. */
async function bytesToScan(stack: Stack, { prefix }: EraseOptions): Promise<number> {
  const [records, decisions] = [await tableSize(stack), await tableSize(stack, stack.outputs.IdempotencyTableName)];
  return decisions.tableBytes + (prefix === undefined ? 0 : records.tableBytes);
}

/** The name says nothing about the images. */
async function notebookOf(stack: Stack, options: EraseOptions): Promise<string> {
  const { key, prefix } = options;
  // A new stack may have the name of a deleted one.
  const { tableId } = await tableSize(stack);
  const what = createHash('sha256').update(JSON.stringify([tableId, bucketOf(stack, options), key, prefix]));
  return join(workDirectory, 'erase', `${stack.name}-${what.digest('hex').slice(0, 12)}.sqlite`);
}

async function invalidateAll(
  stack: Stack,
  { notebook, signal }: Erasure,
  { distribution }: EraseOptions,
  step: Step,
): Promise<readonly string[]> {
  if (distribution === undefined) return [];
  const since = notebook.place('begun') ?? '';
  const images = [...everyOf(notebook.targets)].filter(isToErase).map(({ imageId }) => imageId);
  return await step('CloudFront', async (report) => {
    const ids = z.array(z.string()).parse(JSON.parse(notebook.place('invalidations') ?? '[]'));
    for (const batch of batchesOf(images, WILDCARDS_AT_ONCE).slice(ids.length)) {
      signal?.throwIfAborted();
      ids.push(await invalidate(stack, { distribution, images: batch, since }));
      notebook.setPlace('invalidations', JSON.stringify(ids));
      report(`${ids.length * WILDCARDS_AT_ONCE} images`);
    }
    return ids;
  });
}

function sayHolds(notebook: ErasureNotebook, say: typeof print): void {
  const holds = [...everyOf(notebook.targets)].flatMap(describeHolds);
  if (holds.length === 0) return;
  say(
    'Refused, because S3 must keep them. Nothing of these images was changed:',
    ...holds.slice(0, SHOWN_ROWS).map((line) => `  ${printable(line)}`),
    ...(holds.length > SHOWN_ROWS ? [`  … and ${holds.length - SHOWN_ROWS} more.`] : []),
  );
}

function report(
  notebook: ErasureNotebook,
  invalidations: readonly string[],
  { json, distribution }: EraseOptions,
  say: typeof print,
): void {
  const totals = totalsOf(everyOf(notebook.targets));
  const at = new Date();
  const remaining = remainingAfter(at, totals, distribution !== undefined);
  if (json) {
    for (const { imageId, key, found, holds, verdict } of everyOf(notebook.targets))
      print(JSON.stringify({ imageId, key, found, holds, ...verdict }));
    print(JSON.stringify({ at: at.toISOString(), ...totals, distribution, invalidations, remaining }));
    return;
  }
  say(...describeResult(totals));
  if (invalidations.length > 0)
    say(`CloudFront ${distribution}: invalidations ${invalidations.join(', ')}, completed.`);
  say('', 'What cannot be removed, and until when:', '');
  say(
    plainTable(
      ['Where', 'What', 'Until'],
      remaining.map(({ where, what, until }) => [where, what, until]),
    ),
  );
  say(
    '',
    'Consumers have received ImageDeleted, and decide themselves. If you restore a table or a backup before then, erase again.',
  );
}
