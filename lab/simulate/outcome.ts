/** What came of a simulated load, in the figures that a table needs. */
import { percentile } from '../bench/measure.ts';
import type { Simulated } from './pipeline.ts';

export interface Outcome {
  readonly images: number;
  readonly decided: number;
  readonly dead: number;
  /** Images a second, from the first upload to the last decision. */
  readonly throughput: number;
  readonly p50Seconds: number;
  readonly p95Seconds: number;
  readonly p99Seconds: number;
  readonly longestQueue: number;
  /** From the last upload to the last decision. */
  readonly drainSeconds: number;
}

export function outcomeOf({ images, queue }: Simulated): Outcome {
  const waits = images.flatMap(({ at, decidedAt }) => (decidedAt === undefined ? [] : [decidedAt - at]));
  const lastDecision = images.reduce((last, { decidedAt = 0 }) => Math.max(last, decidedAt), 0);
  return {
    images: images.length,
    decided: waits.length,
    dead: images.length - waits.length,
    throughput: waits.length === 0 ? 0 : waits.length / lastDecision,
    p50Seconds: percentile(waits, 50),
    p95Seconds: percentile(waits, 95),
    p99Seconds: percentile(waits, 99),
    longestQueue: queue.reduce((most, { waiting }) => Math.max(most, waiting), 0),
    drainSeconds: Math.max(0, lastDecision - (images.at(-1)?.at ?? 0)),
  };
}
