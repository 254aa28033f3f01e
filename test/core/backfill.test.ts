import { describe, expect, it } from 'vitest';
import type { CurrentUpload } from '../../core/audit.ts';
import { backfillOf, callsPerBatch, copyDecision, needsBackfill, planBackfill } from '../../core/backfill.ts';
import { padSequencer, sequencerAt } from '../../core/image.ts';
import { defaultLimits } from '../../core/limits.ts';
import { probePrefix, releaseCheckPrefix } from '../../core/names.ts';
import { deletedRecord, processedRecord } from '../support/records.ts';

const upload: CurrentUpload = {
  ...{ bucket: 'uploads', key: 'cat.jpg', versionId: 'v1', etag: 'e1', size: 9 },
  storedAt: '2026-01-02T03:04:05.000Z',
};
const record = processedRecord();
const stored = sequencerAt(upload.storedAt);

describe('an upload without a record', () => {
  it('takes the first place of the second in which it was stored, so that every event of S3 since then wins', () => {
    expect(backfillOf({ upload }, sequencerAt)).toEqual({ repair: 'process', upload, sequencer: stored });
    const ofS3InThatSecond = padSequencer(`${stored.slice(0, 10)}0000000001`);
    expect(stored < ofS3InThatSecond).toBe(true);
  });

  it('gets the same event when asked twice', () => {
    expect(backfillOf({ upload }, sequencerAt)).toEqual(backfillOf({ upload }, sequencerAt));
  });
});

it.each([
  ['has a record', { upload, record }],
  ['has a record by its etag', { upload, record: { ...record, version: 'e1' } }],
  ['has the record of an earlier version', { upload, record: processedRecord({ version: 'v0' }) }],
  ['has a tombstone', { upload, record: deletedRecord() }],
  ['is gone', { record }],
  ['was never there', {}],
  ['is of the probe', { upload: { ...upload, key: `${probePrefix}1.jpg` } }],
  ['is of a release check', { upload: { ...upload, key: `${releaseCheckPrefix}1.jpg` } }],
])('an upload that %s needs nothing', (_, facts) => {
  expect(needsBackfill(facts)).toBe(false);
  expect(backfillOf(facts, sequencerAt)).toBeUndefined();
});

describe('an object of another bucket', () => {
  const decided = (size: number, found?: number) =>
    copyDecision({ size }, found === undefined ? undefined : { size: found }, defaultLimits);

  it('is copied once', () => {
    expect(decided(5)).toBe('copy');
    expect(decided(5, 5)).toBe('there');
  });

  it('never replaces an upload', () => {
    expect(decided(5, 6)).toBe('taken');
  });

  it('that the pipeline would reject for its size is not copied; nor is a folder', () => {
    expect(decided(defaultLimits.bytes)).toBe('copy');
    expect(decided(defaultLimits.bytes + 1)).toBe('unfit');
    expect(decided(0)).toBe('unfit');
  });
});

it('a plan has the price and the duration', () => {
  expect(planBackfill(1_000_000, { perSecond: 10, usdPerImage: 0.00008 })).toEqual({
    ...{ images: 1_000_000, minutes: 1667 },
    usd: 80,
  });
});

it('a batch of the workflow is one call if no upload of it is sent, and otherwise as many as there is room for', () => {
  // There is room for five seconds of work, and a batch is a hundred uploads.
  expect(callsPerBatch('none', 1)).toBe(1);
  expect([1, 3, 10, 1000].map((perSecond) => callsPerBatch('all', perSecond))).toEqual([20, 7, 2, 1]);
});
