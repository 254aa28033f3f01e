/** What a ramp did, whether it was measured or simulated: phase by phase, and until all was decided. */

import type { Phase } from '../../load-tests/runner/scenario.ts';
import { percentile } from '../bench/measure.ts';

/** Seconds after the beginning of the first phase, images in the order of their arrival. */
export interface History {
  readonly images: readonly { readonly at: number; readonly decidedAt: number }[];
  readonly queue: readonly { readonly at: number; readonly waiting: number }[];
}

export interface PhaseFigures {
  readonly name: string;
  readonly decidedASecond: number;
  readonly queueAtEnd: number;
  /** Of those who came in it; undefined where nobody did. */
  readonly p50Seconds: number | undefined;
  /** From its end until nothing waits. */
  readonly drain: { readonly seconds: number; readonly decidedASecond: number };
}

/** A queue that says the machine is saturated, and not that two images came at once. */
export const leavesQueue = (waiting: number): boolean => waiting > 10;

export function curveOf(phases: readonly Phase[], { images, queue }: History): PhaseFigures[] {
  const decidedASecond = (from: number, to: number) =>
    images.filter(({ decidedAt }) => decidedAt > from && decidedAt <= to).length / (to - from);
  return phases.map(({ name, duration, arrivalCount }, index) => {
    const before = phases.slice(0, index).reduce((sum, one) => sum + one.arrivalCount, 0);
    const came = images.slice(before, before + arrivalCount).map(({ at, decidedAt }) => decidedAt - at);
    const end = totalSeconds(phases.slice(0, index + 1));
    const emptyAt = queue.find(({ at, waiting }) => at > end && waiting === 0)?.at ?? Number.POSITIVE_INFINITY;
    return {
      name,
      decidedASecond: decidedASecond(end - duration, end),
      queueAtEnd: queue.findLast(({ at }) => at <= end)?.waiting ?? 0,
      p50Seconds: came.length === 0 ? undefined : percentile(came, 50),
      drain: { seconds: emptyAt - end, decidedASecond: decidedASecond(end, emptyAt) },
    };
  });
}

export function totalSeconds(phases: readonly Phase[]): number {
  return phases.reduce((sum, { duration }) => sum + duration, 0);
}
