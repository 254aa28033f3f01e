/** One backfill, from the price to the summary. An audit's listings and repairs, limited to uploads without a record. */
import { GetBucketNotificationConfigurationCommand } from '@aws-sdk/client-s3';
import { lowestSequencer } from '../../adapters/contracts/queued-event.ts';
import { type BackfillPlan, backfillOf, needsBackfill } from '../../core/backfill.ts';
import type { ImageId, UploadAddress } from '../../core/image.ts';
import { allPresets } from '../../core/presets.ts';
import { isOwnImage } from '../../core/sender.ts';
import { withStack } from '../local/running-stack.ts';
import { gather } from '../stack/gather.ts';
import {
  type Candidate,
  DONE,
  deleteNotebook,
  everyOf,
  type Notebook,
  notebookPath,
  resumedNotebook,
} from '../stack/notebook.ts';
import {
  countOutcomes,
  type Run as Queueing,
  queueImages,
  READS_PER_SECOND,
  turnsTaken,
} from '../stack/queue-images.ts';
import { minutesOnTheWay, settled } from '../stack/settle.ts';
import type { Sources } from '../stack/sources.ts';
import { type Stack, uploadBuckets } from '../stack/stack.ts';
import { stackSources } from '../stack/stack-sources.ts';
import { tableSize } from '../stack/table-size.ts';
import { confirm } from '../terminal/confirm.ts';
import { Failure } from '../terminal/failure.ts';
import { printPlan } from '../terminal/plan.ts';
import { print } from '../terminal/print.ts';
import { outputFor, type Report, type Step } from '../terminal/progress.ts';
import {
  type Backfilled,
  describeCopied,
  describeCopies,
  describeResult,
  describeSource,
  describeWork,
  planCopies,
  planWork,
} from './backfill-report.ts';
import { type Copied, copyAll, measureSource } from './copy-objects.ts';

export interface BackfillOptions {
  readonly bucket?: string;
  readonly prefix?: string;
  readonly into?: string;
  readonly perSecond?: number | undefined;
  readonly dryRun?: true;
  readonly json?: true;
  readonly restart?: true;
  readonly stack?: string;
  readonly yes?: true;
}

/** Images that are judged in one go. */
const PAGE = 1000;

/** Returns the exit code. */
export function backfillStack(options: BackfillOptions, signal: AbortSignal): Promise<number> {
  return withStack(options.stack, (stack) => backfill(stack, options, signal));
}

/** Returns the exit code: 0 if every object has an outcome. */
export async function backfill(stack: Stack, options: BackfillOptions, signal: AbortSignal): Promise<number> {
  const task = await taskOf(stack, options);
  const { restart, dryRun, json } = options;
  const path = notebookPath('backfill', stack, [(await tableSize(stack)).tableId, task, dryRun]);
  const { step, say } = outputFor(json);
  if (restart || dryRun) deleteNotebook(path);
  const notebook = resumedNotebook(path, 'backfill', say);
  const command: Command = { stack, notebook, options, step, say, signal };

  const copied = task.copyFrom && (await copyIn(command, task.copyFrom, task));
  // Of copies that were not made, there is nothing to process.
  const done = copied?.declined ? undefined : await processInPlace(command, task, copied !== undefined);
  const images = notebook.counts().candidates;
  if (json && dryRun) printPlan({ ...(copied?.plan ?? planWork({ images, ...paceOf(command) })) });
  else if (json) print(JSON.stringify({ images, ...copied?.counts, ...done }));
  // One that was stopped goes on. Otherwise, what was found may have changed by the next time.
  notebook.close();
  deleteNotebook(path);
  return (done?.failed ?? 0) + (done?.left ?? 0) + (copied?.counts.taken ?? 0) === 0 ? 0 : 1;
}

interface Command {
  readonly stack: Stack;
  readonly notebook: Notebook;
  readonly options: BackfillOptions;
  readonly step: Step;
  readonly say: typeof print;
  readonly signal: AbortSignal;
}

function paceOf({
  stack,
  options: { perSecond = stack.outputs.IntakeConcurrency },
}: Pick<Command, 'stack' | 'options'>) {
  return { perSecond, renditions: allPresets.length };
}

/** Uploads to process, and where they are copied from, if they are. */
export interface Task {
  readonly bucket: string;
  readonly prefix: string | undefined;
  readonly copyFrom?: { readonly bucket: string; readonly prefix: string | undefined; readonly into: string };
}

/** @throws {Failure} if the stack could not process these objects */
export async function taskOf(stack: Stack, { bucket, prefix, into }: BackfillOptions): Promise<Task> {
  const { UploadBucketName, RenditionBucketName, AdoptedBucketName } = stack.outputs;
  if (bucket === RenditionBucketName) throw new Failure('Renditions are no uploads: name another bucket.');
  if (bucket === undefined || uploadBuckets(stack.outputs).includes(bucket)) {
    if (into !== undefined)
      throw new Failure('--into is for objects of another bucket: those of this one are processed where they are.');
    if (bucket !== undefined && bucket === AdoptedBucketName) await requireEvents(stack, bucket);
    return { bucket: bucket ?? UploadBucketName, prefix };
  }
  if (into === undefined) {
    throw new Failure(
      `${stack.name} cannot read ${bucket}. To copy its images into the upload bucket, add --into FOLDER. To process them where ` +
        `they are, deploy the stack with AdoptedBucketName=${bucket}: docs/backfill.md.`,
    );
  }
  const folder = `${into.replace(/\/$/, '')}/`;
  if (isOwnImage(folder)) throw new Failure(`${folder} is for the pipeline's own images: choose another folder.`);
  const copies = `${folder}${prefix ?? ''}`;
  return { bucket: UploadBucketName, prefix: copies, copyFrom: { bucket, prefix, into: folder } };
}

/** Without them, a later overwrite or deletion would never arrive. */
async function requireEvents({ name, clients }: Stack, Bucket: string): Promise<void> {
  const { EventBridgeConfiguration } = await clients.s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
  if (EventBridgeConfiguration !== undefined) return;
  throw new Failure(
    `${Bucket} sends no events to EventBridge, so ${name} would not notice later changes. docs/backfill.md says how to prepare it.`,
  );
}

// ── Copies ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A copy is an upload like any other: S3 gives it a place in the order, and sends its event. */
async function copyIn(
  { stack, notebook, options, step, say, signal }: Command,
  from: NonNullable<Task['copyFrom']>,
  { bucket }: Task,
): Promise<{
  readonly declined: boolean;
  readonly counts: Copied;
  readonly plan: BackfillPlan & Pick<Copied, 'unfit'>;
}> {
  const { dryRun, yes } = options;
  const pace = paceOf({ stack, options });
  const copying = { stack, notebook, from, perSecond: pace.perSecond, signal };
  const size = await step('Objects', (report) => measureSource({ ...copying, report }));
  say(describeSource(from, size), describeCopies(size, pace));
  const plan = { ...planCopies(size, pace), unfit: size.unfit };
  const declined = dryRun || (!yes && !(await confirm(`Copy them into ${bucket}/${from.into}?`, signal)));
  if (declined) return { declined, plan, counts: { copied: 0, there: 0, taken: 0, unfit: size.unfit } };
  const counts = await step('Copies', (report) => copyAll({ ...copying, report }));
  say(describeCopied(counts));
  return { declined: false, plan, counts };
}

// ── Uploads ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Undefined if nothing was processed.
 *
 * @param agreed to the price, with that of the copies
 */
async function processInPlace(
  { stack, notebook, options, step, say, signal }: Command,
  { bucket, prefix }: Task,
  agreed: boolean,
): Promise<Backfilled | undefined> {
  const { dryRun, yes } = options;
  const pace = paceOf({ stack, options });
  const sources = stackSources(stack, { prefix, perSecond: READS_PER_SECOND, buckets: [bucket] });
  const run: Run = { stack, sources, notebook, perSecond: pace.perSecond, signal, report: () => undefined };
  const onTheWay = (report: Report) => settled(stack, new Date(), minutesOnTheWay(stack), report);
  // Nearly every copy is processed by its own event.
  if (agreed && notebook.place('uploads') === undefined) await step('Copies on their way', onTheWay);
  await step('Uploads and records', (report) => gather({ ...run, report }));
  await step('Uploads without a record', async (report) => findUnrecorded({ ...run, report }));
  const images = notebook.counts().candidates;
  say(describeWork({ images: images - turnsTaken(notebook), ...pace }));
  const wanted = images > 0 && !dryRun && (agreed || yes || (await confirm('Process them?', signal)));
  if (!wanted) return undefined;
  if (turnsTaken(notebook) === 0) await step('Uploads on their way', onTheWay);
  await step('Images', (report) => queueAll({ ...run, report }));
  await step('Outcomes', (report) => settled(stack, new Date(), 0, report));
  const result = await step('Last look', (report) => countBackfilled({ ...run, report }));
  say(describeResult(result));
  return result;
}

export interface Run extends Queueing {
  readonly sources: Pick<Sources, 'uploads' | 'records' | 'current'>;
}

/** Goes on where it stopped. */
export async function findUnrecorded({ notebook, report, signal }: Run): Promise<void> {
  const place = notebook.place('judged');
  if (place === DONE) return;
  let seen = 0;
  let page: Candidate[] = [];
  for (const { imageId, upload, record } of everyOf(notebook.images, place)) {
    seen += 1;
    if (upload !== undefined && needsBackfill({ upload, record })) {
      page.push(unrecorded(imageId, upload));
    }
    if (seen % PAGE !== 0) continue;
    notebook.noteCandidates(page, imageId);
    page = [];
    report(`${seen} images compared`);
    signal?.throwIfAborted();
  }
  notebook.noteCandidates(page, DONE);
}

/** An upload without a record, as a notebook has it. */
export function unrecorded(imageId: ImageId, { bucket, key }: UploadAddress): Candidate {
  return { imageId, address: { bucket, key }, state: '', findings: [{ kind: 'no-record' }] };
}

/** Puts the uploads into the queue, at the rate. Goes on where it stopped. */
export async function queueAll(run: Run): Promise<void> {
  const { stack, sources } = run;
  const sequencerAt = lowestSequencer(stack.emulated);
  await queueImages(run, {
    async repairsFor({ imageId, address }) {
      const repair = backfillOf(await sources.current(imageId, address), sequencerAt);
      return repair === undefined ? [] : [repair];
    },
    judgeFirst({ outcome, key }) {
      if (outcome !== 'failed') return;
      throw new Failure(
        `${key} failed, and probably all others would: npm run redrive -- --list says why. If the bucket is adopted, check its ` +
          'permissions (docs/backfill.md). Then run this again.',
      );
    },
  });
}

export async function countBackfilled(run: Run): Promise<Backfilled> {
  const zero = { processed: 0, rejected: 0, gone: 0, failed: 0, left: 0 };
  return await countOutcomes(run, zero, (facts) => {
    if (needsBackfill(facts)) return 'left';
    const outcome = facts.record?.outcome;
    return outcome === undefined || outcome === 'deleted' ? 'gone' : outcome;
  });
}
