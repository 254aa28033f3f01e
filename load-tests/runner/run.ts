/** One run, from the plan to the result. */
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { disagreements } from '../../scripts/audit/audit-stack.ts';
import type { Stack } from '../../scripts/stack/stack.ts';
import type { Step } from '../../scripts/terminal/progress.ts';
import { workDirectory } from '../../scripts/terminal/project.ts';
import { type ArtilleryResult, installArtillery, runArtillery } from './artillery.ts';
import { type StoredImages, storeImages } from './images.ts';
import { type Change, type LedgerLine, ledgerLine, readLedger, reconcile } from './ledger.ts';
import { type ImageClass, type PlannedChange, planChanges } from './plan.ts';
import { type ProcessorShare, processorShares } from './processor-time.ts';
import { subscribeToResults } from './published-events.ts';
import { percentiles, problemsOf, type QueueSample, type RunResult } from './result.ts';
import type { RunFile } from './run-file.ts';
import { checkBounds, type Place, type Scenario } from './scenario.ts';
import {
  deadLettersBelow,
  decidedRecords,
  lambdaMetrics,
  type Removal,
  removeUploads,
  sampleQueues,
} from './stack-under-load.ts';
import { guardTarget, type Target } from './target.ts';

const loadDirectory = join(workDirectory, 'load');

export interface PreparedRun {
  readonly id: string;
  readonly directory: string;
  /** The prefix of all keys of this run, and of no others. */
  readonly prefix: string;
  readonly scenario: Scenario;
  readonly seed: number;
  readonly scale: number;
  readonly users: readonly (readonly PlannedChange[])[];
  readonly changes: number;
  readonly bytes: number;
  readonly images: RunFile['images'];
}

export interface Wanted {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly scale: number;
}

/** Draws the images and counts the changes; nothing is sent yet. */
export async function prepareRun({ scenario, seed, scale }: Wanted): Promise<PreparedRun> {
  const id = `${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}-${scenario.name}`;
  // Not a folder, which would make one sender of all users. The gallery chooses its keys; on the run's own emulator, all are of this run.
  const prefix = scenario.through === 'gallery' ? 'gallery-' : `load-${id}-`;
  const stored = await storeImages(seed, join(loadDirectory, 'images'));
  const phases = scenario.phases.map(({ arrivalCount }) => arrivalCount);
  const users = planChanges({
    seed,
    prefix,
    phases,
    mix: scenario.mix,
    images: byClass(sendable(stored.images, scenario)),
  });
  const changes = users.reduce((sum, { length }) => sum + length, 0);
  checkBounds(scenario, changes);
  const images = Object.fromEntries(
    stored.images.map(({ name, ...rest }) => [name, { ...rest, file: join(stored.directory, name) }]),
  );
  const bytes = users
    .flat()
    .reduce((sum, planned) => sum + (planned.kind === 'upload' ? (images[planned.image]?.bytes ?? 0) : 0), 0);
  const directory = join(loadDirectory, 'runs', id);
  return { id, directory, prefix, scenario, seed, scale, users, changes, bytes, images };
}

/** The gallery takes no empty file: its page refuses one at once. */
function sendable(images: StoredImages, { through }: Scenario): StoredImages {
  return through === 'gallery' ? images.filter(({ bytes }) => bytes > 0) : images;
}

function byClass(images: StoredImages): Record<ImageClass, string[]> {
  const names = (wanted: ImageClass) => images.filter((image) => image.class === wanted).map(({ name }) => name);
  return {
    thumb: names('thumb'),
    small: names('small'),
    medium: names('medium'),
    large: names('large'),
    corrupt: names('corrupt'),
  };
}

export interface RunControl {
  readonly target: Target;
  /** For Artillery's process. */
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  readonly step: Step;
  readonly keep: boolean;
  /** The address of the gallery, if users upload through it. */
  readonly gallery?: string;
  readonly signal: AbortSignal;
}

export async function executeRun(
  prepared: PreparedRun,
  stack: Stack,
  { target, environment, step, keep, gallery, signal }: RunControl,
): Promise<RunResult> {
  guardTarget(target, environment);
  await step('Artillery', installArtillery);
  await mkdir(prepared.directory, { recursive: true });
  const files = await writeRunFile(prepared, target, stack, gallery);
  const resultTimes = gallery === undefined ? undefined : await subscribeToResults(stack);
  const place: Place = stack.emulated ? 'emulator' : 'account';
  const { scenario, prefix, directory } = prepared;
  const startedAt = new Date();
  try {
    const { artillery, samples } = await step(`${scenario.title}: ${prepared.changes} changes`, async (report) => {
      const processor = target.kind === 'emulator' ? processorShares(target.endpoint, files.runFile) : undefined;
      const sampler = startSampling({ stack, processor, ledger: files.ledger }, (sample, changes) => {
        // A terminal shows only the newest line; a log keeps all lines.
        if (process.stdout.isTTY || sampler.samples.length % 10 === 1)
          report(progress(prepared, startedAt, sample, changes));
      });
      try {
        const arguments_ = { scenario, place, runFile: files.runFile, environment, output: directory };
        const ended = await runArtillery(arguments_, signal);
        await sampler.untilEmpty(signal);
        signal.throwIfAborted();
        return { artillery: ended, samples: sampler.samples };
      } finally {
        sampler.stop();
      }
    });
    const endedAt = new Date();
    const published = await resultTimes?.();
    const changes = readLedger(await readLines(files.ledger)).map((change) => ({
      ...change,
      publishedAt: published?.get(change.key),
    }));
    const last = samples.at(-1);
    const workLeft = last !== undefined && last.waiting + last.inWork > 0;
    const found = await step('Reconciliation', () => conclude(prepared, stack, changes, { artillery, workLeft }));
    const lambda = await step('Function metrics', async (report) => {
      if (!stack.emulated) await waitForCloudWatch(report, signal);
      return await lambdaMetrics(stack, startedAt, endedAt);
    });
    return {
      schemaVersion: 2,
      id: prepared.id,
      scenario: scenario.name,
      title: scenario.title,
      target,
      seed: prepared.seed,
      scale: prepared.scale,
      machine: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}, Node ${process.version}`,
      processors: cpus().length,
      startedAt: startedAt.toISOString(),
      endedAt: endedAt.toISOString(),
      phases: [...scenario.phases],
      passed: found.problems.length === 0 && artillery.checks.every(({ passed }) => passed),
      ...found,
      checks: [...artillery.checks],
      changes,
      samples: [...samples],
      lambda,
    };
  } finally {
    if (!keep)
      await step('Clean-up', async (report) =>
        report(shownRemoval(await removeUploads(stack, prefix), stack.outputs.UploadBucketName, prefix)),
      );
    stack.close();
  }
}

export function shownRemoval({ removed, left }: Removal, bucket: string, prefix: string): string {
  const rest = left === 0 ? '' : `; at least ${left} remain in s3://${bucket}/${prefix}. Remove them by hand`;
  return `${removed} versions removed${rest}`;
}

async function writeRunFile(
  prepared: PreparedRun,
  target: Target,
  { name, outputs }: Stack,
  gallery: string | undefined,
) {
  const { directory, scenario, images, users } = prepared;
  const ledger = join(directory, 'ledger.jsonl');
  const runFile = join(directory, 'plan.json');
  const content: RunFile = {
    target,
    stack: { name, outputs },
    ...(gallery !== undefined && { gallery: { address: gallery } }),
    ledger,
    patienceSeconds: scenario.seconds + scenario.drainSeconds,
    phases: scenario.phases.map(({ arrivalCount }) => arrivalCount),
    images,
    users: users.map((changes) => [...changes]),
  };
  await writeFile(ledger, '');
  await writeFile(runFile, JSON.stringify(content));
  return { ledger, runFile };
}

/** The final state of records and dead-letter queue, independent of what users saw during the run. */
async function conclude(
  { prefix, scenario, ...prepared }: PreparedRun,
  stack: Stack,
  changes: readonly Change[],
  { artillery, workLeft }: { readonly artillery: ArtilleryResult; readonly workLeft: boolean },
): Promise<Pick<RunResult, 'reconciliation' | 'problems'>> {
  const records = await decidedRecords(stack, [...new Set(changes.map(({ key }) => key))]);
  const byRecords = reconcile(changes, records, [], workLeft);
  // Read only if needed: reading hides messages for a while from operators who want to redrive them.
  const { lost, notInTime, ...sums } =
    byRecords.lost.length + byRecords.notInTime.length === 0
      ? byRecords
      : reconcile(changes, records, await deadLettersBelow(stack, prefix), workLeft);
  // Unfinished and failed uploads are reported above.
  const atRest = !workLeft && sums.deadLetters === 0;
  const findings = atRest ? await disagreements(stack, { prefix }) : [];
  const problems = [
    ...problemsOf({
      plannedChanges: prepared.changes,
      lost: lost.length,
      notInTime: notInTime.length,
      notShown: scenario.through === 'gallery' ? changes.filter(isUndecided).length : 0,
      problem: artillery.problem,
      phases: scenario.phases,
      changes,
    }),
    ...findings.map((finding) => `The audit found: ${finding}.`),
  ];
  return { reconciliation: { ...sums, lost: [...lost], notInTime: [...notInTime] }, problems };
}

const isUndecided = ({ problem, outcome }: Change) => problem === undefined && outcome === undefined;

async function waitForCloudWatch(report: (progress: string) => void, signal: AbortSignal): Promise<void> {
  report('waiting three minutes for CloudWatch');
  await sleep(180_000, undefined, { signal });
}

type OnSample = (sample: QueueSample, changes: readonly Change[]) => void;

interface Sampled {
  readonly stack: Stack;
  readonly processor: (() => ProcessorShare) | undefined;
  readonly ledger: string;
}

/** Reads the queues once per second. */
function startSampling({ stack, processor, ledger }: Sampled, onSample: OnSample) {
  const samples: QueueSample[] = [];
  const stopped = new AbortController();
  const tail = followLines(ledger);
  const loop = (async () => {
    while (!stopped.signal.aborted) {
      const sample = { ...(await sampleQueues(stack)), at: Date.now(), processor: processor?.() };
      samples.push(sample);
      onSample(sample, readLedger(await tail()));
      await sleep(1000, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  })();
  // `untilEmpty` throws the error, unless something else failed first.
  loop.catch(() => undefined);
  return {
    samples,
    /** SQS's counts are approximate and late: it may take a few seconds until they are zero. */
    async untilEmpty(signal: AbortSignal): Promise<void> {
      const isEmpty = ({ waiting, inWork }: QueueSample) => waiting + inWork === 0;
      for (let second = 0; second < 30 && !signal.aborted; second += 1) {
        if (samples.length > 2 && samples.slice(-3).every(isEmpty)) break;
        await Promise.race([sleep(1000), loop]);
      }
      stopped.abort();
      await loop;
    },
    stop: () => stopped.abort(),
  };
}

/** Each call returns all lines so far, and reads only the new ones. */
function followLines(file: string): () => Promise<readonly LedgerLine[]> {
  const lines: LedgerLine[] = [];
  let offset = 0;
  return async () => {
    const handle = await open(file);
    try {
      const { size } = await handle.stat();
      const { buffer } = await handle.read(Buffer.alloc(size - offset), 0, size - offset, offset);
      const whole = buffer.subarray(0, buffer.lastIndexOf('\n') + 1);
      offset += whole.length;
      lines.push(...parseLines(whole.toString()));
      return lines;
    } finally {
      await handle.close();
    }
  };
}

async function readLines(file: string): Promise<LedgerLine[]> {
  return parseLines(await readFile(file, 'utf8'));
}

function parseLines(text: string): LedgerLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ledgerLine.parse(JSON.parse(line)));
}

function progress(
  { scenario, ...prepared }: PreparedRun,
  startedAt: Date,
  { waiting, inWork, deadLetters }: QueueSample,
  changes: readonly Change[],
): string {
  const seconds = Math.round((Date.now() - startedAt.getTime()) / 1000);
  const decided = changes.filter(({ decidedAt }) => decidedAt !== undefined);
  const { count, p50, p95 } = percentiles(
    decided
      .filter(({ outcome }) => outcome === 'processed')
      .map(({ startedAt, decidedAt = 0 }) => decidedAt - startedAt),
  );
  const ready = count === 0 ? '' : `; ready p50 ${(p50 / 1000).toFixed(1)} s, p95 ${(p95 / 1000).toFixed(1)} s`;
  return (
    `${seconds} s of at most ${scenario.seconds + scenario.drainSeconds}: sent ${changes.length} of ${prepared.changes}, ` +
    `decided ${decided.length}; queue ${waiting}, in progress ${inWork}, dead letters ${deadLetters}${ready}`
  );
}
