/** What a ramp did, whether it was measured or simulated: phase by phase, and until all was decided. */
import { percentile } from '../bench/measure.ts';

export interface Phase {
  readonly name: string;
  /** How long uploads come. */
  readonly seconds: number;
}

/** Seconds after the first upload. */
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
  const spans = [
    ...phases.map(({ name, seconds }, index) => ({ name, from: starts(phases)[index] ?? 0, seconds })),
    { name: 'drain', from: totalSeconds(phases), seconds: lastDecision - totalSeconds(phases) },
  ];
  return {
    phases: spans.map(({ name, from, seconds }) => {
      const isWithin = (at: number) => at >= from && at < from + seconds;
      const waits = images.filter(({ at }) => isWithin(at)).map(({ at, decidedAt }) => decidedAt - at);
      return {
        name,
        // The last decision of all ends the drain, and belongs to it.
        decidedASecond:
          images.filter(({ decidedAt }) => decidedAt > from && decidedAt <= from + seconds).length / seconds,
        queueAtEnd: queue.findLast(({ at }) => at <= from + seconds)?.waiting ?? 0,
        p50Seconds: waits.length === 0 ? undefined : percentile(waits, 50),
      };
    }),
    longestQueue: longest.waiting,
    longestAt: longest.at,
    drainSeconds: lastDecision - lastUpload,
  };
}

export function totalSeconds(phases: readonly Phase[]): number {
  return phases.reduce((sum, { seconds }) => sum + seconds, 0);
}

function starts(phases: readonly Phase[]): number[] {
  return phases.map((_, index) => totalSeconds(phases.slice(0, index)));
}
