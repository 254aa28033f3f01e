/** What happened to an image, as people and programs read it. */
import { compareTimes, type HistoryLine } from '../../core/history.ts';
import { plainTable } from '../terminal/table.ts';

/** In order, each line once: a repeated batch leaves the same lines again. */
export function timelineOf(lines: readonly HistoryLine[]): readonly HistoryLine[] {
  return [...new Map(lines.map((line) => [line.id, line])).values()].toSorted(compareTimes);
}

export function describeTimeline(lines: readonly HistoryLine[]): string {
  const rows = lines.map(({ at, event, version, correlationId, ...line }) => [
    at.replace('.000Z', 'Z'),
    event,
    whyOf(line),
    version ?? '–',
    correlationId ?? '–',
  ]);
  return plainTable(['Time', 'Event', 'Reason', 'Version', 'Correlation id'], rows);
}

function whyOf({ reason, message }: Pick<HistoryLine, 'reason' | 'message'>): string {
  if (reason !== undefined && message !== undefined) return `${reason}: ${message}`;
  return reason ?? message ?? '–';
}

/** Without the item, which the table has, and what only the rebuild needs. */
export function jsonOf({ attributes: _, order: __, itemId: ___, ...line }: HistoryLine): string {
  return JSON.stringify(line);
}
