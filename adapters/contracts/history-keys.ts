import type { HistoryPart } from '../../core/record-history.ts';

/** The keys of the objects that hold history. HistoryTable in template.yaml finds them by the same prefix. */
export const historyPrefix = 'history/';

export function dayPrefix(day: string): string {
  return `${historyPrefix}day=${day}/`;
}

export function historyKey({ day, first, last }: HistoryPart): string {
  return `${dayPrefix(day)}${first}-${last}.jsonl`;
}
