/** One encoding of one photograph. */
export interface Measured {
  /** SSIMULACRA2: 70 is high quality, 90 is indistinguishable from the original. */
  readonly score: number;
  readonly bytes: number;
  /** Milliseconds. */
  readonly cpu: number;
}

type Price = Omit<Measured, 'score'>;

/** What a setting costs at a score that was not measured: bytes and CPU grow by a percentage per point, not by an amount. */
export function atScore(points: readonly Measured[], score: number): Price {
  const [low, high] = neighbours(points, score);
  const way = (score - low.score) / (high.score - low.score);
  const between = (from: number, to: number) => from * (to / from) ** way;
  return { bytes: between(low.bytes, high.bytes), cpu: between(low.cpu, high.cpu) };
}

/** By how much bytes and CPU grow per additional point: 0.04 is 4 %. */
export function priceOfAPoint(points: readonly Measured[], score: number): Price {
  const here = atScore(points, score);
  const there = atScore(points, score + 1);
  return { bytes: there.bytes / here.bytes - 1, cpu: there.cpu / here.cpu - 1 };
}

function neighbours(points: readonly Measured[], score: number): readonly [Measured, Measured] {
  const sorted = [...points].sort((one, other) => one.score - other.score);
  const above = sorted.findIndex((point, index) => index > 0 && point.score >= score);
  const index = above === -1 ? sorted.length - 1 : above;
  const [low, high] = [sorted[index - 1], sorted[index]];
  if (!low || !high || low.score === high.score) throw new Error('A curve needs two points of different score.');
  return [low, high];
}
