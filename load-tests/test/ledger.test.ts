import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Change,
  type DeadLetter,
  type Decided,
  type LedgerLine,
  readLedger,
  reconcile,
} from '../runner/ledger.ts';

const upload = (number: number, key: string, fields: Partial<Change> = {}): Change => ({
  number,
  user: number,
  key,
  kind: 'upload',
  class: 'small',
  bytes: 1000,
  startedAt: number * 1000,
  requestMillis: 10,
  names: [`version-${number}`, `etag-${number}`],
  ...fields,
});
const deletion = (number: number, key: string): Change => ({
  ...upload(number, key),
  kind: 'delete',
  names: ['marker'],
});
const records = (entries: Record<string, Decided>) => new Map(Object.entries(entries));
const processed = (number: number): Decided => ({ version: `version-${number}`, outcome: 'processed' });
/** With an empty queue. */
const settled = (changes: Change[], found: Map<string, Decided>, letters: DeadLetter[]) =>
  reconcile(changes, found, letters, false);
const tombstone: Decided = { version: 'none', outcome: 'deleted' };

describe('at the end of a run', () => {
  it('an upload with a record of its version or etag is decided', () => {
    const changes = [upload(0, 'a'), upload(1, 'b')];
    const found = records({ a: processed(0), b: { version: 'etag-1', outcome: 'rejected' } });
    expect(settled(changes, found, [])).toEqual({ sent: 2, decided: 2, deadLetters: 0, lost: [], notInTime: [] });
  });

  it('an upload without a record or a dead letter is lost', () => {
    expect(settled([upload(0, 'a')], records({}), []).lost).toEqual([{ number: 0, key: 'a', kind: 'upload' }]);
  });

  it('an upload without a record counts as not decided in time, and not as lost, while the queue is not empty', () => {
    const changes = [upload(0, 'a'), upload(1, 'b')];
    expect(reconcile(changes, records({ b: processed(1) }), [], true)).toEqual({
      ...{ sent: 2, decided: 1, deadLetters: 0, lost: [] },
      notInTime: [{ number: 0, key: 'a', kind: 'upload' }],
    });
  });

  it('an upload whose message is in the dead-letter queue is not lost', () => {
    const letters = [{ key: 'a', kind: 'upload' as const, names: ['etag-0'] }];
    expect(settled([upload(0, 'a')], records({}), letters)).toEqual({
      sent: 1,
      decided: 0,
      deadLetters: 1,
      lost: [],
      notInTime: [],
    });
  });

  it('a dead letter accounts only for its own upload, not for others with the same key or the same bytes', () => {
    const letters = [{ key: 'a', kind: 'upload' as const, names: ['etag-0'] }];
    const changes = [upload(0, 'a'), upload(1, 'a'), upload(2, 'b', { names: ['etag-0'] })];
    expect(settled(changes, records({}), letters).lost).toMatchObject([{ number: 1 }, { number: 2 }]);
  });

  it('a failed record counts as a dead letter', () => {
    const found = records({ a: { version: 'version-0', outcome: 'failed' } });
    expect(settled([upload(0, 'a')], found, [])).toMatchObject({ decided: 0, deadLetters: 1, lost: [] });
  });

  it('changes before the recorded one are superseded; changes after it are lost', () => {
    const changes = [upload(0, 'a'), upload(1, 'a'), deletion(2, 'a')];
    expect(settled(changes, records({ a: processed(1) }), [])).toMatchObject({ decided: 2, lost: [{ number: 2 }] });
    expect(settled(changes, records({ a: tombstone }), [])).toMatchObject({ decided: 3, lost: [] });
  });

  it('a tombstone does not hide an upload that followed the deletion', () => {
    const changes = [deletion(0, 'a'), upload(1, 'a')];
    expect(settled(changes, records({ a: tombstone }), []).lost).toMatchObject([{ number: 1 }]);
  });

  it('a record of another client’s upload of the same key does not count', () => {
    const found = records({ a: { version: 'another', outcome: 'processed' } });
    expect(settled([upload(0, 'a')], found, []).lost).toHaveLength(1);
  });

  it('an upload that S3 refused need not be decided', () => {
    expect(settled([upload(0, 'a', { problem: 'SlowDown' })], records({}), [])).toMatchObject({ sent: 0, lost: [] });
  });

  it('every change is exactly one of: decided, a dead letter, lost, not decided in time', () => {
    const kind = fc.constantFrom('upload' as const, 'delete' as const);
    const change = fc.record({ key: fc.constantFrom('a', 'b', 'c'), kind });
    const record = fc.option(
      fc.record({
        version: fc.nat(12).map((number) => `version-${number}`),
        outcome: fc.constantFrom('processed' as const, 'rejected' as const, 'deleted' as const, 'failed' as const),
      }),
    );
    fc.assert(
      fc.property(fc.array(change), record, fc.array(fc.nat(12)), fc.boolean(), (made, found, dead, workLeft) => {
        const changes = made.map((one, number) => ({ ...upload(number, one.key), kind: one.kind }));
        const letters = dead.map((number) => ({ key: 'a', kind: 'upload' as const, names: [`etag-${number}`] }));
        const sums = reconcile(changes, records(found === null ? {} : { a: found }), letters, workLeft);
        expect(sums.decided + sums.deadLetters + sums.lost.length + sums.notInTime.length).toBe(sums.sent);
        expect(sums.decided).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

it('the ledger joins both lines of a change, wherever they are', () => {
  const lines: LedgerLine[] = [
    upload(1, 'b'),
    upload(0, 'a'),
    { number: 1, decidedAt: 5000, outcome: 'processed' },
    { number: 9, decidedAt: 6000, outcome: 'processed' },
  ];
  expect(readLedger(lines)).toEqual([upload(0, 'a'), { ...upload(1, 'b'), decidedAt: 5000, outcome: 'processed' }]);
});
