/** Finds the quality number with which an encoder's rendition looks as good as another. */

/** A difference in SSIMULACRA2 score that is not visible. */
export const SAME_SCORE = 0.7;

export interface Attempt {
  /** 1–100, whole. */
  readonly quality: number;
  /** Its score minus the wanted score. */
  readonly off: number;
}

export function nearest<Tried extends Attempt>(attempts: readonly Tried[]): Tried | undefined {
  return [...attempts].sort((one, other) => Math.abs(one.off) - Math.abs(other.off))[0];
}

/** The next quality number to try, by linear interpolation between the nearest on both sides; undefined if none is closer. */
export function nextQuality(attempts: readonly Attempt[]): number | undefined {
  const best = nearest(attempts);
  if (best === undefined || Math.abs(best.off) <= SAME_SCORE) return undefined;
  const ascending = [...attempts].sort((one, other) => one.quality - other.quality);
  const below = ascending.findLast(({ off }) => off < 0);
  const above = ascending.find(({ off }) => off > 0);
  const next = below && above ? between(below, above) : beyond(ascending, best);
  return attempts.some(({ quality }) => quality === next) ? undefined : next;
}

function between(below: Attempt, above: Attempt): number {
  const way = -below.off / (above.off - below.off);
  const guess = Math.round(below.quality + way * (above.quality - below.quality));
  return Math.min(above.quality - 1, Math.max(below.quality + 1, guess));
}

// Points of score per quality number, assumed while only one has been tried.
const TYPICAL_SLOPE = 0.5;

function beyond(ascending: readonly Attempt[], { quality, off }: Attempt): number {
  const [first, last] = [ascending[0], ascending.at(-1)];
  const slope =
    first && last && first.quality !== last.quality ? (last.off - first.off) / (last.quality - first.quality) : 0;
  const step = off / Math.max(slope, TYPICAL_SLOPE);
  return Math.min(100, Math.max(1, quality - Math.sign(step) * Math.max(1, Math.round(Math.abs(step)))));
}
