/** The result of a run, run.json. All plots and tables are made from it, so that two runs can be compared later. */
import { readFile } from 'node:fs/promises';
import { sum } from 'simple-statistics';
import * as z from 'zod';
import { Failure } from '../../scripts/terminal/failure.ts';
import { shownPath } from '../../scripts/terminal/project.ts';
import { type Change, change } from './ledger.ts';
import { sizeClasses } from './plan.ts';
import { consumers, functionNames } from './processor-time.ts';
import { arrivalTimes, type Phase, phase } from './scenario.ts';
import { target } from './target.ts';

const queueSample = z.object({
  /** Epoch milliseconds. */
  at: z.number(),
  waiting: z.int(),
  /** Received by a dispatcher, or hidden until the next attempt. */
  inWork: z.int(),
  deadLetters: z.int(),
  undelivered: z.int(),
  /** Since the previous sample; only on the emulator, and only on Linux. */
  processor: z
    .object({
      millis: z.record(z.enum(consumers), z.number()),
      processes: z.record(z.enum(functionNames), z.object({ alive: z.int(), busy: z.int() })),
    })
    .optional(),
});
export type QueueSample = z.infer<typeof queueSample>;

const lambdaPoint = z.object({
  /** Epoch milliseconds: the beginning of the minute. */
  at: z.number(),
  function: z.string(),
  metric: z.enum(['Throttles', 'Errors', 'ConcurrentExecutions']),
  value: z.number(),
});
export type LambdaPoint = z.infer<typeof lambdaPoint>;

const check = z.object({
  expression: z.string(),
  passed: z.boolean(),
  /** What Artillery measured of the metrics in the expression: counts and milliseconds. */
  metrics: z.record(z.string(), z.number()),
});
export type Check = z.infer<typeof check>;

export interface Threshold {
  /** Milliseconds. */
  readonly measured: number;
  readonly limit: number;
}

/** Undefined for a condition, which compares counts with each other. */
export function thresholdOf({ expression, metrics }: Check): Threshold | undefined {
  const [, metric = '', limit] = /^([\w.]+\.ms\.\w+) < (\d+)$/.exec(expression) ?? [];
  const measured = metrics[metric];
  return limit === undefined || measured === undefined ? undefined : { measured, limit: Number(limit) };
}

/** A condition with its metrics replaced by their values. */
export function inNumbers({ expression, metrics }: Check): string {
  return expression.replaceAll(/[a-zA-Z][\w.]*/g, (name) => String(metrics[name] ?? name));
}

const namedChange = z.object({ number: z.int(), key: z.string(), kind: z.enum(['upload', 'delete']) });

export const runResult = z.object({
  schemaVersion: z.literal(2),
  id: z.string(),
  scenario: z.string(),
  title: z.string(),
  target,
  seed: z.int(),
  scale: z.number(),
  machine: z.string(),
  /** Number of processors of the machine that ran it. */
  processors: z.int(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  phases: z.array(phase),
  passed: z.boolean(),
  /** Reasons for the failure other than the checks. */
  problems: z.array(z.string()),
  checks: z.array(check),
  reconciliation: z.object({
    sent: z.int(),
    decided: z.int(),
    deadLetters: z.int(),
    lost: z.array(namedChange),
    // In older results these are part of `lost`.
    notInTime: z.array(namedChange).default([]),
  }),
  changes: z.array(change),
  samples: z.array(queueSample),
  lambda: z.array(lambdaPoint),
});
export type RunResult = z.infer<typeof runResult>;

export async function readResult(file: string): Promise<RunResult> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) throw new Failure(`${shownPath(file)} cannot be read. Give the path of a run's run.json.`);
  const parsed = runResult.safeParse(asJson(text));
  if (!parsed.success) {
    throw new Failure(`${shownPath(file)} is not the result of a load run. ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Epoch milliseconds of the first request: the start of Artillery does not count. */
export function startOf({ changes, startedAt }: Pick<RunResult, 'changes' | 'startedAt'>): number {
  return changes.reduce((first, one) => Math.min(first, one.startedAt), changes[0]?.startedAt ?? Date.parse(startedAt));
}

/** Milliseconds. Users who arrive later than this would distort the measurement. */
const mostSenderLag = 1000;

interface Arrivals {
  readonly phases: readonly Phase[];
  readonly changes: readonly Change[];
}

/**
 * Milliseconds by which the latest user arrived later than planned, relative to the most punctual one. Undefined if arrival
 * times were not recorded.
 */
export function senderLag({ phases, changes }: Arrivals): number | undefined {
  const planned = arrivalTimes(phases);
  const offsets = changes.flatMap(({ user, arrivedAt }) => {
    const second = planned[user];
    return arrivedAt === undefined || second === undefined ? [] : [arrivedAt - second * 1000];
  });
  return offsets.length === 0 ? undefined : Math.max(...offsets) - Math.min(...offsets);
}

/** Cores. If other programs use more than this, the run's figures cannot be compared with other runs. */
export const quietCores = 0.2;

/** Cores that other programs used on average; undefined if the operating system does not say. */
export function coresOfOthers(run: RunResult): number | undefined {
  const start = startOf(run);
  const spans = run.samples.flatMap(({ at, processor }, index) => {
    const before = run.samples[index - 1];
    return before === undefined || processor === undefined || before.at < start
      ? []
      : [{ millis: at - before.at, others: processor.millis.others }];
  });
  return spans.length === 0
    ? undefined
    : sum(spans.map(({ others }) => others)) / sum(spans.map(({ millis }) => millis));
}

export interface Ended extends Arrivals {
  readonly plannedChanges: number;
  readonly lost: number;
  readonly notInTime: number;
  /** In the gallery: uploads that no window has shown, whatever their records say. */
  readonly notShown: number;
  /** The problem that Artillery reported. */
  readonly problem: string | undefined;
}

/** Why a run fails apart from its checks, one sentence each. */
export function problemsOf({ plannedChanges, lost, notInTime, notShown, problem, ...arrivals }: Ended): string[] {
  const made = arrivals.changes.length;
  const lag = senderLag(arrivals) ?? 0;
  return [
    ...(problem === undefined ? [] : [problem]),
    ...(lost === 0 ? [] : [`${lost} changes are lost: neither decided nor in a dead-letter queue.`]),
    ...(notInTime === 0
      ? []
      : [
          `${notInTime} changes were not decided in time: when the run ended, messages were still waiting or in progress.`,
        ]),
    ...(notShown === 0 ? [] : [`${notShown} uploads were stored, and the gallery never showed what became of them.`]),
    ...(made === plannedChanges ? [] : [`${plannedChanges} changes were planned, but ${made} were made.`]),
    ...(lag <= mostSenderLag
      ? []
      : [
          `The load test fell behind: users arrived up to ${(lag / 1000).toFixed(1)} s later than planned; the limit is ` +
            `${mostSenderLag / 1000} s. Use a quieter machine or a smaller --scale.`,
        ]),
  ];
}

export interface Percentiles {
  readonly name: string;
  readonly count: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly most: number;
}

/** Waiting times, one row per kind of wait; kinds without a value are left out. */
export function waits(changes: readonly Change[]): Percentiles[] {
  const wait = ({ startedAt, decidedAt = Number.NaN }: Change) => decidedAt - startedAt;
  const ready = changes.filter(({ outcome }) => outcome === 'processed');
  const inGallery = changes.some(({ toldAt }) => toldAt !== undefined);
  const toReady = inGallery ? 'drop → picture' : 'upload → ready';
  const parts = ready.flatMap((one) => partsOf(one) ?? []);
  const rows: [string, number[]][] = [
    ...sizeClasses.map((size): [string, number[]] => [
      `${toReady}, ${size}`,
      ready.filter((one) => one.class === size).map(wait),
    ]),
    [`${toReady}, all`, ready.map(wait)],
    ['outside the pipeline', parts.map(({ stored, shown }) => stored + shown)],
    ['event → picture', parts.map(({ shown }) => shown)],
    [
      inGallery ? 'drop → rejected' : 'upload → rejected',
      changes.filter(({ outcome }) => outcome === 'rejected').map(wait),
    ],
    ['delete → done', changes.filter(({ outcome }) => outcome === 'deleted').map(wait)],
    ['change → superseded', changes.filter(({ outcome }) => outcome === 'superseded').map(wait)],
    [
      inGallery ? 'ticket and upload' : 'PUT request',
      changes.filter(({ kind }) => kind === 'upload').map(({ requestMillis }) => requestMillis),
    ],
  ];
  return rows.filter(([, values]) => values.length > 0).map(([name, values]) => ({ name, ...percentiles(values) }));
}

/** Milliseconds of one picture's wait in the gallery. */
interface PartsOfWait {
  /** Until S3 has stored the file. */
  readonly stored: number;
  /** Until the event of the result is published. */
  readonly pipeline: number;
  /** Until the picture is loaded. */
  readonly shown: number;
}

function partsOf({ startedAt, requestMillis, publishedAt, decidedAt }: Change): PartsOfWait | undefined {
  if (publishedAt === undefined || decidedAt === undefined) return undefined;
  const pipeline = publishedAt - startedAt - requestMillis;
  return { stored: requestMillis, pipeline, shown: decidedAt - publishedAt };
}

/** The sums for these pictures; undefined if users did not upload through the gallery. */
export function partsOfWait(changes: readonly Change[]): PartsOfWait | undefined {
  const parts = changes.filter(({ outcome }) => outcome === 'processed').flatMap((one) => partsOf(one) ?? []);
  if (parts.length === 0) return undefined;
  const of = (name: keyof PartsOfWait) => sum(parts.map((part) => part[name]));
  return { stored: of('stored'), pipeline: of('pipeline'), shown: of('shown') };
}

export function percentiles(values: readonly number[]): Omit<Percentiles, 'name'> {
  const sorted = [...values].sort((one, other) => one - other);
  // Nearest rank: a wait that occurred.
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), most: at(1) };
}

export interface Saturation {
  readonly deepest: number;
  /** Seconds after the first request. */
  readonly deepestAt: number;
  /** Seconds from the last arrival until everything was decided. */
  readonly drained: number;
  /** The most changes decided per second, averaged over ten seconds. */
  readonly rate: number;
  readonly deadLetters: number;
  /** For all functions; undefined if not published, which is not the same as none. */
  readonly calls: { readonly errors: number; readonly throttles: number } | undefined;
}

/** What happened when more arrived than could be processed at once. */
export function saturation(run: RunResult): Saturation {
  const { changes, samples, lambda, reconciliation } = run;
  const start = startOf(run);
  const deepest = samples.reduce(
    (most, sample) => (sample.waiting > (most?.waiting ?? -1) ? sample : most),
    samples[0],
  );
  const decided = changes
    .flatMap(({ decidedAt }) => (decidedAt === undefined ? [] : [decidedAt]))
    .sort((a, b) => a - b);
  const lastArrival = changes.reduce((last, one) => Math.max(last, one.startedAt), start);
  const total = (metric: LambdaPoint['metric']) =>
    lambda.filter((point) => point.metric === metric).reduce((sum, { value }) => sum + value, 0);
  return {
    deepest: deepest?.waiting ?? 0,
    deepestAt: ((deepest?.at ?? start) - start) / 1000,
    drained: Math.max(0, ((decided.at(-1) ?? lastArrival) - lastArrival) / 1000),
    rate: mostWithin(decided, 10_000) / 10,
    deadLetters: reconciliation.deadLetters,
    calls: lambda.length === 0 ? undefined : { errors: total('Errors'), throttles: total('Throttles') },
  };
}

/** The largest number of these moments within one span. */
function mostWithin(sorted: readonly number[], span: number): number {
  let most = 0;
  let first = 0;
  for (const [index, at] of sorted.entries()) {
    while ((sorted[first] ?? at) <= at - span) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
