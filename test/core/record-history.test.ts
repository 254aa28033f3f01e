import { describe, expect, it } from 'vitest';
import type { HistoryLine, TableChange } from '../../core/history.ts';
import { type HistoryPart, recordHistory } from '../../core/record-history.ts';
import { processedRecord } from '../support/records.ts';

const changeAt = (order: number, at: string): TableChange => {
  const record = processedRecord();
  const after = { item: { kind: 'record', record } as const, attributes: { ...record } };
  return { order: String(order), at, itemId: record.imageId, after, expired: false };
};

class InMemoryHistoryLog {
  readonly objects = new Map<string, readonly HistoryLine[]>();
  readonly parts: HistoryPart[] = [];

  async append(part: HistoryPart, lines: readonly HistoryLine[]): Promise<void> {
    this.parts.push(part);
    this.objects.set(JSON.stringify(part), lines);
  }
}

const padded = (order: number) => String(order).padStart(40, '0');

describe('a batch of changes', () => {
  it('becomes one object, named after its first and last change, with every line', async () => {
    const historyLog = new InMemoryHistoryLog();
    const batch = [changeAt(9, '2026-11-29T10:00:00.000Z'), changeAt(10, '2026-11-29T10:00:01.000Z')];
    // Uploaded and processed, each.
    expect(await recordHistory(batch, { historyLog })).toEqual({ changes: 2, lines: 4 });
    expect(historyLog.parts).toEqual([{ day: '2026-11-29', first: padded(9), last: padded(10) }]);
  });

  it('that is delivered twice replaces its own object', async () => {
    const historyLog = new InMemoryHistoryLog();
    const batch = [changeAt(9, '2026-11-29T10:00:00.000Z'), changeAt(10, '2026-11-29T10:00:01.000Z')];
    await recordHistory(batch, { historyLog });
    const before = structuredClone([...historyLog.objects]);
    await recordHistory(batch, { historyLog });
    expect([...historyLog.objects]).toEqual(before);
  });

  it('around midnight becomes two objects, so that a query of one day finds all of it', async () => {
    const historyLog = new InMemoryHistoryLog();
    const batch = [changeAt(9, '2026-11-29T23:59:59.000Z'), changeAt(10, '2026-11-30T00:00:00.000Z')];
    await recordHistory(batch, { historyLog });
    expect(historyLog.parts).toEqual([
      { day: '2026-11-29', first: padded(9), last: padded(9) },
      { day: '2026-11-30', first: padded(10), last: padded(10) },
    ]);
  });

  it('given the object cannot be written, throws, so that the stream delivers it again', async () => {
    const historyLog = { append: () => Promise.reject(new Error('SlowDown')) };
    await expect(recordHistory([changeAt(9, '2026-11-29T10:00:00.000Z')], { historyLog })).rejects.toThrow('SlowDown');
  });
});
