import { type HistoryLine, linesOf, paddedOrder, type TableChange } from './history.ts';

/** Where history is kept. */
export interface HistoryLog {
  /** Writes the lines as one object. Repeatable: the same day, first and last replace what an earlier attempt wrote. */
  append(part: HistoryPart, lines: readonly HistoryLine[]): Promise<void>;
}

export interface HistoryPart {
  /** `2026-11-29`, UTC. */
  readonly day: string;
  /** The order of the first and the last change in it. */
  readonly first: string;
  readonly last: string;
}

/** Writes the lines of a batch of changes: one object, or two around midnight. Throws if one cannot be written: repeat the batch. */
export async function recordHistory(
  changes: readonly TableChange[],
  { historyLog }: { readonly historyLog: HistoryLog },
): Promise<{ readonly changes: number; readonly lines: number }> {
  let lines = 0;
  for (const [day, changed] of Map.groupBy(changes, ({ at }) => at.slice(0, 10))) {
    const orders = changed.map(({ order }) => paddedOrder(order)).toSorted();
    const [first = '', last = first] = [orders[0], orders.at(-1)];
    const written = changed.flatMap(linesOf);
    await historyLog.append({ day, first, last }, written);
    lines += written.length;
  }
  return { changes: changes.length, lines };
}
