import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Attributes,
  compareChanges,
  compareTimes,
  decisionsOf,
  type HistoryEvent,
  linesOf,
  replayed,
  type TableChange,
  type TableItem,
} from '../../core/history.ts';
import { nextSequencer } from '../../core/image.ts';
import type { ImageRecord, NamedRecord } from '../../core/record.ts';
import { deletedRecord, processedRecord } from '../support/records.ts';

const first = '0055AED6DCD90281E500000000000000';
const second = '0055AED6DCD90281E600000000000000';
const v1 = { version: 'v1', sequencer: first, announced: false };
const v2 = { version: 'v2', sequencer: second, announced: false, correlationId: 'correlation-2' };

type Names = Partial<Omit<NamedRecord, 'outcome'>>;
const processed = (names: Names) => processedRecord(names);
const deleted = (names: Names) => deletedRecord(names);
const rejected = (names: Names, reason: 'corrupt' | 'malware' = 'corrupt'): ImageRecord => {
  const { metadata: _, renditions: __, ...common } = processedRecord(names);
  return { ...common, outcome: 'rejected', reason, message: 'It is damaged.' };
};
const failed = (names: Names): ImageRecord => ({ ...processedRecord(names), outcome: 'failed', message: 'Too late.' });
const told = (names: Names): Names => ({ ...names, announced: true });
const later = { recordedAt: '2026-01-02T04:00:00Z' };

const item = (record: ImageRecord | undefined): TableItem | undefined => record && { kind: 'record', record };
const eventsOf = (before: ImageRecord | undefined, after: ImageRecord | undefined, expired = false) =>
  decisionsOf({ before: item(before), after: item(after), expired }).map(({ event }) => event);

describe('what a write of a record decided', () => {
  it.each<[what: string, before: ImageRecord | undefined, after: ImageRecord, events: readonly HistoryEvent[]]>([
    ['a first upload that is processed', undefined, processed(v1), ['uploaded', 'processed']],
    ['a first upload that is rejected', undefined, rejected(v1), ['uploaded', 'rejected']],
    ['a first upload that failed', undefined, failed(v1), ['uploaded', 'failed']],
    ['a deletion of what was never recorded', undefined, deleted(v1), ['deleted']],
    ['an overwrite', processed(v1), processed(v2), ['uploaded', 'superseded', 'processed']],
    ['an overwrite that is rejected', processed(v1), rejected(v2), ['uploaded', 'superseded', 'rejected']],
    ['an overwrite of a failure that fails', failed(v1), failed(v2), ['uploaded', 'superseded', 'failed']],
    ['an upload after a deletion', deleted(v1), processed(v2), ['uploaded', 'processed']],
    ['the same bytes after a deletion', deleted(v1), processed({ ...v2, version: 'v1' }), ['uploaded', 'processed']],
    ['a deletion', processed(v1), deleted(v2), ['deleted']],
    ['a version that was erased', processed({ ...v1, announced: true }), deleted({ ...v1, ...later }), ['deleted']],
    ['a re-render', processed(v1), processed({ ...v1, sequencer: nextSequencer(first) }), ['rerendered']],
    ['a re-render that failed', processed(v1), failed({ ...v1, sequencer: nextSequencer(first) }), ['failed']],
    ['a redrive', failed(v1), processed({ ...v1, ...later }), ['processed']],
    ['malware that was found later', processed(v1), rejected({ ...v1, ...later }, 'malware'), ['rejected']],
    ['a new reason', rejected(v1), rejected({ ...v1, ...later }, 'malware'), ['rejected']],
    ['the announcement', processed(v1), processed({ ...v1, announced: true }), ['announced']],
    ['an attempt that repeats a decision', processed(v1), processed({ ...v1, ...later }), ['repeated']],
    ['one that repeats a rejection', rejected(v1), rejected({ ...v1, ...later }), ['repeated']],
    ['one that changes nothing', processed(v1), processed(v1), ['repeated']],
    ['a write of what is announced', processed(told(v1)), processed(told(v1)), ['repeated']],
    ['a repeat and its announcement at once', processed(v1), processed({ ...told(v1), ...later }), ['repeated']],
    ['a redrive and its announcement at once', failed(v1), processed(told(v1)), ['processed']],
    ['an overwrite and its announcement at once', deleted(v1), deleted(told(v2)), ['deleted']],
    ['a repair of a failure', failed(v1), processed({ ...v1, sequencer: nextSequencer(first) }), ['processed']],
  ])('%s', (_, before, after, events) => {
    expect(eventsOf(before, after)).toEqual(events);
  });

  it.each<[what: string, expired: boolean, event: HistoryEvent]>([
    ['a tombstone whose time is over', true, 'expired'],
    ['a record that was removed by hand', false, 'removed'],
  ])('%s', (_, expired, event) => {
    expect(eventsOf(deleted(v1), undefined, expired)).toEqual([event]);
  });

  it('says which version, when, why and under which correlation id', () => {
    const { occurredAt, recordedAt } = processed(v1);
    const [uploaded, superseded, decision] = decisionsOf({
      before: item(processed(v1)),
      after: item(rejected(v2)),
      expired: false,
    });
    const newer = { version: 'v2', sequencer: second, occurredAt, correlationId: 'correlation-2' };
    expect(uploaded).toEqual({ event: 'uploaded', ...newer });
    expect(superseded).toEqual({ event: 'superseded', ...newer, version: 'v1', sequencer: first, recordedAt });
    expect(decision).toEqual({
      event: 'rejected',
      ...{ ...newer, recordedAt, reason: 'corrupt', message: 'It is damaged.' },
    });
  });

  it('says why an upload failed', () => {
    expect(decisionsOf({ after: item(failed(v1)), expired: false }).at(-1)).toMatchObject({ message: 'Too late.' });
  });
});

describe('what the other items of the table say', () => {
  const times = { occurredAt: '2026-01-02T03:04:05Z', recordedAt: '2026-01-02T03:05:00Z', correlationId: 'c' };
  it.each<[event: HistoryEvent, item: TableItem]>([
    ['version-deleted', { kind: 'mark', mark: { version: 'v1', infected: false, ...times } }],
    ['infected', { kind: 'mark', mark: { version: 'v1', infected: true, ...times } }],
    ['superseded', { kind: 'attempt', attempt: { ended: 'superseded', version: 'v1', sequencer: first, ...times } }],
    ['vanished', { kind: 'attempt', attempt: { ended: 'vanished', version: 'v1', sequencer: first, ...times } }],
  ])('%s, of which version and under which correlation id', (event, after) => {
    expect(decisionsOf({ after, expired: false })).toEqual([
      { event, version: 'v1', ...(after.kind === 'attempt' && { sequencer: first }), ...times },
    ]);
  });

  it('an item of another form is kept, and never an error', () => {
    expect(decisionsOf({ after: { kind: 'unknown' }, expired: false })).toEqual([{ event: 'unknown' }]);
  });
});

const outcomes = ['processed', 'rejected', 'deleted', 'failed'] as const;
const recordOf = (outcome: (typeof outcomes)[number], names: Names): ImageRecord =>
  ({ processed, rejected: (given: Names) => rejected(given), deleted, failed })[outcome](names);

/** Any life of one item: decisions of versions, announcements, and removals. */
const life = fc
  .array(
    fc.record({
      step: fc.constantFrom('decide', 'decide', 'announce', 'again', 'remove'),
      outcome: fc.constantFrom(...outcomes),
      sameVersion: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((steps) => {
    const changes: TableChange[] = [];
    let now: ImageRecord | undefined;
    for (const [index, { step, outcome, sameVersion }] of steps.entries()) {
      const next = stepped(now, { step, outcome, sameVersion, index });
      if (next === now) continue;
      const [before, after] = [item(now), item(next)];
      changes.push({
        ...{ order: String(9 + index), at: '2026-01-02T03:05:00.000Z', itemId: 'image', before, expired: false },
        after: after && next && { item: after, attributes: { ...next } },
      });
      now = next;
    }
    return { changes, end: now };
  });

function stepped(
  now: ImageRecord | undefined,
  {
    step,
    outcome,
    sameVersion,
    index,
  }: { step: string; outcome: (typeof outcomes)[number]; sameVersion: boolean; index: number },
): ImageRecord | undefined {
  const recordedAt = `2026-01-02T03:05:${String(index).padStart(2, '0')}Z`;
  switch (step) {
    case 'announce':
      // DynamoDB reports no write that changes nothing.
      return now?.announced === false ? { ...now, announced: true } : now;
    case 'again':
      return now && { ...now, recordedAt, announced: false };
    case 'remove':
      return undefined;
    default: {
      const version = sameVersion && now !== undefined ? now.version : `v${index}`;
      return recordOf(outcome, { version, sequencer: String(index).padStart(32, '0'), recordedAt, announced: false });
    }
  }
}

const replay = (changes: readonly TableChange[]) =>
  changes
    .flatMap(linesOf)
    .toSorted(compareChanges)
    .reduce<Attributes | undefined>((state, line) => replayed(state, line), undefined);

describe('the lines of an item', () => {
  it('lead back to the item, whatever order they are read in', () => {
    fc.assert(
      fc.property(
        life.chain((told) =>
          fc.tuple(fc.constant(told), fc.shuffledSubarray(told.changes, { minLength: told.changes.length })),
        ),
        ([{ end }, shuffled]) => {
          expect(replay(shuffled)).toEqual(end);
        },
      ),
    );
  });

  it('do not lead back to it if a change is missing that nothing later replaces', () => {
    fc.assert(
      fc.property(
        life.filter(({ changes }) => changes.length > 1),
        ({ changes, end }) => {
          expect(replay(changes.slice(0, -1))).not.toEqual(end);
        },
      ),
    );
  });

  it('name the image, the item and the object, and have ids that a repeat shares', () => {
    const after = processed(v2);
    const change: TableChange = {
      ...{ order: '77', at: '2026-11-29T23:59:59.000Z', itemId: 'image', before: item(processed(v1)), expired: false },
      after: { item: { kind: 'record', record: after }, attributes: { ...after } },
    };
    const lines = linesOf(change);
    expect(lines).toEqual(linesOf(change));
    expect(new Set(lines.map(({ id }) => id)).size).toBe(3);
    for (const line of lines) {
      expect(line).toMatchObject({ imageId: 'image', itemId: 'image', bucket: after.bucket, key: after.key });
    }
    // The upload happened before it was recorded, possibly on another day.
    expect(lines.map(({ at }) => at)).toEqual([after.occurredAt, change.at, change.at]);
    expect(lines.map(({ attributes }) => attributes)).toEqual([undefined, undefined, { ...after }]);
  });

  it('have no item if the last one is an announcement: that is the item before it', () => {
    const [before, after] = [processed(v1), processed(told(v1))];
    const attributes = { ...after };
    const change = { order: '1', at: later.recordedAt, itemId: 'image', before: item(before), expired: false };
    const lines = linesOf({ ...change, after: { item: { kind: 'record', record: after }, attributes } });
    expect(lines.map(({ event }) => event)).toEqual(['announced']);
    expect(lines[0]).not.toHaveProperty('attributes');
  });

  it('of a mark belong to its image', () => {
    const mark = { version: 'v1', infected: false };
    const after = { item: { kind: 'mark', mark } as const, attributes: { imageId: 'image#v1', expiresAt: 1 } };
    expect(linesOf({ order: '1', at: later.recordedAt, itemId: 'image#v1', after, expired: false })).toMatchObject([
      { imageId: 'image', itemId: 'image#v1', event: 'version-deleted', attributes: after.attributes },
    ]);
  });
});

describe('the item after a line', () => {
  const [before, after] = [
    { imageId: 'image', announced: false },
    { imageId: 'image', announced: false, version: 'v2' },
  ];
  const line = (event: HistoryEvent, attributes?: Attributes) => ({ ...lineAt('1', '1'), event, attributes });

  it.each<HistoryEvent>(['expired', 'removed', 'erased'])('is gone if it was %s', (event) => {
    expect(replayed(before, line(event))).toBeUndefined();
  });

  it('is the same item once announced, and none if there was none', () => {
    expect(replayed(before, line('announced'))).toEqual({ ...before, announced: true });
    expect(replayed(undefined, line('announced'))).toBeUndefined();
  });

  it.each<HistoryEvent>([
    ...(['uploaded', 'processed', 'rerendered', 'rejected', 'failed', 'deleted'] as const),
    ...(['superseded', 'vanished', 'version-deleted', 'infected', 'repeated', 'unknown'] as const),
  ])('is what the line has if it is %s, or the item before', (event) => {
    expect(replayed(before, line(event, after))).toEqual(after);
    expect(replayed(before, line(event))).toEqual(before);
  });
});

const lineAt = (order: string, id: string, at = later.recordedAt) => ({
  ...({ event: 'processed', id, order, at, imageId: 'image', itemId: 'image' } as const),
  ...{ bucket: undefined, key: undefined },
});

describe('lines are in order', () => {
  const [one, two, three] = [
    lineAt('1', '1-1', '2026-01-03T00:00:00Z'),
    lineAt('2', '2-0', '2026-01-02T00:00:00Z'),
    lineAt('2', '2-1', '2026-01-02T00:00:00Z'),
  ];

  it.each([
    ['changes, and within a change of their decisions', compareChanges, [one, two, three]],
    ['times for people, and of one time in that of their changes', compareTimes, [two, three, one]],
  ])('of their %s', (_, compare, ordered) => {
    for (const lines of [
      [three, one, two],
      [two, three, one],
      [one, two, three],
    ])
      expect(lines.toSorted(compare)).toEqual(ordered);
    expect(compare(two, two)).toBe(0);
  });
});
