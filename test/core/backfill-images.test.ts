import { describe, expect, it } from 'vitest';
import type { QueuedRepair } from '../../core/audit.ts';
import { type BackfillItem, backfillImages } from '../../core/backfill-images.ts';
import { sequencerAt } from '../../core/image.ts';
import { probePrefix } from '../../core/names.ts';
import { processedRecord } from '../support/records.ts';

/** One step of the workflow that backfills in the account. */

const storedAt = '2026-01-02T03:04:05.000Z';
const uploadOf = (key: string) => ({ bucket: 'uploads', key, versionId: 'v1', etag: 'e1', size: 9, storedAt });
const itemsOf = (keys: readonly string[], changes: Partial<BackfillItem> = {}): BackfillItem[] =>
  keys.map((key) => ({ bucket: 'uploads', key, perSecond: 10, storedBefore: '2026-02-01T00:00:00Z', ...changes }));
const keysOf = (count: number) => Array.from({ length: count }, (_, index) => `${index}.jpg`);
const none = { sent: 0, skipped: 0 };

/** Every key has an upload, and none a record, unless said otherwise. */
function world({ waiting = 0, recorded = false, gone = false } = {}) {
  const sent: QueuedRepair[] = [];
  const ports = {
    catalogue: { find: async () => (recorded ? processedRecord() : undefined) },
    uploads: { find: async ({ key }: { key: string }) => (gone ? undefined : uploadOf(key)) },
    overflowQueue: {
      waiting: async () => waiting,
      send: async (repairs: readonly QueuedRepair[]) => void sent.push(...repairs),
    },
    sequencerAt,
  };
  return { ports, sent };
}

describe('a step', () => {
  it('sends what has no record, with the decision of the command', async () => {
    const { ports, sent } = world();
    const items = itemsOf(['cat.jpg']);
    expect(await backfillImages({ items, counts: none }, ports)).toEqual({
      ...{ outcome: 'done', items: [], waitSeconds: 0 },
      counts: { sent: 1, skipped: 0 },
    });
    expect(sent).toEqual([{ repair: 'process', upload: uploadOf('cat.jpg'), sequencer: sequencerAt(storedAt) }]);
  });

  it('repeated sends the same event, which changes nothing', async () => {
    const { ports, sent } = world();
    const items = itemsOf(['cat.jpg']);
    await backfillImages({ items, counts: none }, ports);
    await backfillImages({ items, counts: none }, ports);
    expect(sent[1]).toEqual(sent[0]);
  });

  it.each([
    ['has a record', world({ recorded: true }), {}, 'cat.jpg'],
    ['is gone, or a folder', world({ gone: true }), {}, 'cat.jpg'],
    ['is of the probe', world(), {}, `${probePrefix}1.jpg`],
    ['was stored after the start, so that its own event is on its way', world(), { storedBefore: storedAt }, 'cat.jpg'],
  ])('leaves alone what %s', async (_, { ports, sent }, changes, key) => {
    const { counts } = await backfillImages({ items: itemsOf([key], changes), counts: none }, ports);
    expect(counts).toEqual({ sent: 0, skipped: 1 });
    expect(sent).toEqual([]);
  });

  it('sends no more than five seconds of work, and returns the rest with the time that it takes', async () => {
    const { ports, sent } = world();
    const step = await backfillImages({ items: itemsOf(keysOf(100)), counts: none }, ports);
    expect(sent).toHaveLength(50);
    expect(step).toMatchObject({ outcome: 'more', waitSeconds: 5, counts: { sent: 50, skipped: 0 } });
    expect(step.items.map(({ key }) => key)).toEqual(keysOf(100).slice(50));
  });

  it('sends less if the queue has some, and nothing if it is full', async () => {
    const some = world({ waiting: 30 });
    await backfillImages({ items: itemsOf(keysOf(100)), counts: none }, some.ports);
    expect(some.sent).toHaveLength(20);
    const full = world({ waiting: 50 });
    const step = await backfillImages({ items: itemsOf(keysOf(100)), counts: none }, full.ports);
    expect(full.sent).toEqual([]);
    expect(step).toMatchObject({ outcome: 'more', waitSeconds: 5, counts: none });
    expect(step.items).toHaveLength(100);
  });

  it('without items is done', async () => {
    const { ports } = world();
    const counts = { sent: 3, skipped: 4 };
    expect(await backfillImages({ items: [], counts }, ports)).toEqual({
      ...{ outcome: 'done', waitSeconds: 0, items: [], counts },
    });
  });

  it('never looks at more than 20 at once', async () => {
    const { ports } = world({ recorded: true });
    let [looking, most] = [0, 0];
    const find = async () => {
      looking += 1;
      most = Math.max(most, looking);
      await new Promise((resolve) => setImmediate(resolve));
      looking -= 1;
      return processedRecord();
    };
    await backfillImages({ items: itemsOf(keysOf(100)), counts: none }, { ...ports, catalogue: { find } });
    expect(most).toBe(20);
  });

  it('looks at a whole batch at once if nothing has to be sent', async () => {
    const { ports: all } = world({ recorded: true });
    const send = async () => {
      throw new Error('A queue takes no empty batch.');
    };
    const ports = { ...all, overflowQueue: { ...all.overflowQueue, send } };
    expect(await backfillImages({ items: itemsOf(keysOf(100)), counts: none }, ports)).toMatchObject({
      ...{ outcome: 'done', waitSeconds: 0 },
      counts: { sent: 0, skipped: 100 },
    });
  });

  it('counts on where the step before ended', async () => {
    const { ports } = world();
    const step = await backfillImages({ items: itemsOf(['a.jpg']), counts: { sent: 50, skipped: 3 } }, ports);
    expect(step.counts).toEqual({ sent: 51, skipped: 3 });
  });
});
