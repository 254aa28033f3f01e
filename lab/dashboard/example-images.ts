import type { DecidedOutcome, RejectionReason } from '../../core/outcome.ts';

/**
 * One hour of stage prod, made up: some 20,000 changes of the upload bucket, among them a burst that fills the queue and,
 * later, four bad minutes in which a twelfth of the tries fail. Nothing here was measured. Always the same numbers, made
 * with arithmetic alone, so that the picture changes with the dashboard only.
 */

export const MINUTES = 60;
export const SECONDS = MINUTES * 60;
// Of stage prod.
const DISPATCHERS = 10;
const BATCH_SIZE = 10;

export interface ExampleImage {
  readonly outcome: DecidedOutcome;
  readonly reason: RejectionReason;
  readonly repeated: boolean;
  /** The first try fails, after three calls of a worker. */
  readonly failing: boolean;
  readonly bytes: number;
  /** In seconds of the hour. */
  readonly arrived: number;
  readonly started: number;
  readonly ended: number;
  /** How long a call of each worker takes, in seconds. */
  readonly describing: number;
  readonly rendering: number;
}

/** What each call of the dispatcher takes through the workflow. */
export function exampleBatches(): readonly (readonly ExampleImage[])[] {
  const random = seeded(20_261_121);
  const waiting = arrivals(random);
  const freeFrom = Array.from({ length: DISPATCHERS }, () => 0);
  const batches: ExampleImage[][] = [];
  for (let next = 0; next < waiting.length; ) {
    const dispatcher = freeFrom.indexOf(Math.min(...freeFrom));
    const started = Math.max(freeFrom[dispatcher] ?? 0, waiting[next] ?? 0) + 0.1;
    const taken = waiting.slice(next, next + BATCH_SIZE).filter((arrived) => arrived < started);
    next += taken.length;
    const batch = taken.map((arrived) => image(arrived, started, random));
    freeFrom[dispatcher] = Math.max(...batch.map(({ ended }) => ended));
    batches.push(batch);
  }
  return batches;
}

/** When the messages come, in order. */
function arrivals(random: () => number): readonly number[] {
  return Array.from({ length: SECONDS }, (_, second) => {
    const burst = second >= 17 * 60 && second < 21 * 60 ? 180 : 0;
    const count = Math.round((2.5 + second / 2400 + burst) * (0.4 + 1.2 * random()));
    return Array.from({ length: count }, () => second + random()).toSorted((a, b) => a - b);
  }).flat();
}

function image(arrived: number, started: number, random: () => number): ExampleImage {
  // A product of evenly spread numbers leans to the left, with a long tail, as the sizes of photographs do.
  const megabytes = 0.4 + 14 * random() * random();
  const slowness = 0.75 + 0.5 * random();
  const describing = slowness * (0.06 + 0.006 * megabytes);
  const rendering = slowness * (0.12 + 0.075 * megabytes);
  const failing = started > 41 * 60 && started < 45 * 60 && random() < 1 / 12;
  const outcome = pick(outcomes, random()) ?? 'processed';
  const working = outcome === 'deleted' ? 0.1 : (failing ? 3 : 1) * rendering + 0.12;
  return {
    outcome,
    reason: pick(reasons, random()) ?? 'corrupt',
    repeated: random() < 0.002,
    failing,
    bytes: megabytes * 1_000_000,
    arrived,
    started,
    ended: started + working,
    describing,
    rendering,
  };
}

const outcomes = [
  [0.948, 'processed'],
  [0.03, 'deleted'],
  [0.012, 'rejected'],
  [0.009, 'superseded'],
  [0.001, 'vanished'],
] as const;

const reasons = [
  [0.45, 'unsupported-format'],
  [0.25, 'corrupt'],
  [0.15, 'too-many-bytes'],
  [0.08, 'too-many-pixels'],
  [0.05, 'empty'],
  [0.02, 'too-many-frames'],
] as const;

function pick<Value>(choices: readonly (readonly [share: number, value: Value])[], chance: number): Value | undefined {
  let rest = chance;
  for (const [share, value] of choices) {
    rest -= share;
    if (rest < 0) return value;
  }
  return undefined;
}

/** Park and Miller's generator: the same numbers on every machine. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
