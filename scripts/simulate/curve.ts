/** What a ramp did, whether it was measured or simulated: phase by phase, and until all was decided. */
import { percentile } from '../bench/measure.ts';
import type { Phase } from '../load/scenario.ts';

/** Seconds after the beginning of the first phase, images in the order of their arrival. */
export interface History {
  readonly images: readonly { readonly at: number; readonly decidedAt: number }[];
  readonly queue: readonly { readonly at: number; readonly waiting: number }[];
}

interface PhaseFigures {
  readonly name: string;
  readonly decidedASecond: number;
  readonly queueAtEnd: number;
  /** Of those who came in it; undefined where nobody did. */
  readonly p50Seconds: number | undefined;
}

export interface Curve {
  /** The last is the drain: from the end of the last phase until all is decided. */
  readonly phases: readonly PhaseFigures[];
  readonly longestQueue: number;
  readonly longestAt: number;
  /** From the last upload to the last decision. */
  readonly drainSeconds: number;
}

export function curveOf(phases: readonly Phase[], { images, queue }: History): Curve {
  const lastUpload = Math.max(...images.map(({ at }) => at));
  const lastDecision = Math.max(...images.map(({ decidedAt }) => decidedAt));
  const longest = queue.reduce((most, one) => (one.waiting > most.waiting ? one : most), { at: 0, waiting: 0 });
  const ends = phases.map((_, index) => totalSeconds(phases.slice(0, index + 1)));
  const spans = [
    ...phases.map(({ name, duration, arrivalCount }, index) => {
      const before = phases.slice(0, index).reduce((sum, one) => sum + one.arrivalCount, 0);
      const to = ends[index] ?? 0;
      return { name, from: to - duration, to, came: images.slice(before, before + arrivalCount) };
    }),
    { name: 'drain', from: totalSeconds(phases), to: lastDecision, came: [] },
  ];
  return {
    phases: spans.map(({ name, from, to, came }) => ({
      name,
      decidedASecond: images.filter(({ decidedAt }) => decidedAt > from && decidedAt <= to).length / (to - from),
      queueAtEnd: queue.findLast(({ at }) => at <= to)?.waiting ?? 0,
      p50Seconds:
        came.length === 0
          ? undefined
          : percentile(
              came.map(({ at, decidedAt }) => decidedAt - at),
              50,
            ),
    })),
    longestQueue: longest.waiting,
    longestAt: longest.at,
    drainSeconds: lastDecision - lastUpload,
  };
}

export function totalSeconds(phases: readonly Phase[]): number {
  return phases.reduce((sum, { duration }) => sum + duration, 0);
}
