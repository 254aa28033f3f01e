import { describe, expect, it } from 'vitest';
import { eventSource } from '../../core/names.ts';
import type { ImageRecord } from '../../core/record.ts';
import {
  type Decided,
  defectsOfDead,
  defectsOfDecided,
  defectsOfErased,
  defectsOfProof,
  type Erased,
} from '../../test/faults/judge.ts';
import { everyCall, missingCalls } from '../prove/every-call.ts';

/** Each defect that `npm run lab -- prove crash-points` can report. */

const common = {
  imageId: '0'.repeat(32),
  bucket: 'uploads',
  key: 'a.png',
  version: 'v1',
  sequencer: 'A'.repeat(32),
  occurredAt: '2026-01-01T00:00:00.000Z',
  recordedAt: '2026-01-01T00:00:01.000Z',
  correlationId: 'c',
  announced: true,
};
const metadata = {
  format: 'png' as const,
  ...{ width: 48, height: 32, bytes: 99, frames: 1, sha256: 'e'.repeat(64), colourSpace: 'srgb', hasAlpha: false },
  ...{ orientation: 1 as const, dominantColour: '#0059b3', thumbhash: 'AAAA', damaged: false },
};
const rendition = { preset: 'webp-320', contentType: 'image/webp', width: 48, height: 32, bytes: 42 };
const renditions = [{ ...rendition, key: 'i/s/webp-320.webp' }];
const record = { ...common, outcome: 'processed' as const, metadata, renditions };
const control = { ...record, renditions: [{ ...rendition, key: 'control/s/webp-320.webp' }] };
const { imageId: id, bucket, key, version, sequencer } = common;
const event = {
  source: eventSource as typeof eventSource,
  'detail-type': 'ImageProcessed' as const,
  detail: {
    schemaVersion: 4 as const,
    ...{ id: `${id}-processed`, correlationId: 'c', occurredAt: common.occurredAt },
    ...{ image: { id, bucket, key, version, sequencer }, metadata, renditions },
  },
};
const deleted = { ...event, 'detail-type': 'ImageDeleted' as const };
const shown = renditions.map((each) => each.key);
const well: Decided = {
  ...{ record, control, renditionKeys: shown, events: [event, event] },
  expected: { outcome: 'processed', version: 'v1' },
};

describe('an image with an outcome', () => {
  it('that is correct has no defects', () => {
    expect(defectsOfDecided(well)).toEqual([]);
  });

  it.each<[sentence: string, Partial<Decided>]>([
    ['The record says nothing.', { record: undefined }],
    ['The record says failed.', { record: { ...common, outcome: 'failed', message: 'Why' } }],
    ['The record says processed.', { expected: { outcome: 'deleted' } }],
    ['The record is not announced.', { record: { ...record, announced: false } }],
    ['No event was published.', { events: [] }],
    ['No event was published.', { events: [deleted] }],
    [
      'No event was published.',
      { events: [{ ...event, detail: { ...event.detail, image: { ...event.detail.image, sequencer: 'B' } } }] },
    ],
    [
      'Repeats of one event have different ids.',
      { events: [event, { ...event, detail: { ...event.detail, id: 'x' } }] },
    ],
    ['The renditions in the bucket differ from those in the record.', { renditionKeys: [] }],
    ['The renditions in the bucket differ from those in the record.', { renditionKeys: [...shown, 'left-over'] }],
    ['The record is of another version.', { expected: { outcome: 'processed', version: 'v2' } }],
    ['The description differs.', { record: { ...record, metadata: { ...metadata, width: 47 } } }],
    ['The renditions differ.', { control: { ...control, renditions: [] } }],
    ['There is no processed record to compare with.', { control: { ...common, outcome: 'deleted', expiresAt: 1 } }],
  ])('%s', (sentence, wrong) => {
    expect(defectsOfDecided({ ...well, ...wrong })).toEqual([sentence]);
  });
});

describe('an image that was erased', () => {
  const nothing = {
    ...{ versions: 0, 'delete markers': 0, renditions: 0, record: 0, 'dead letters': 0 },
    ...{ decisions: 0, 'history lines': 0 },
  };
  const tombstone = { ...common, key: undefined, outcome: 'deleted' as const, expiresAt: 1 };
  const gone: Erased = { record: tombstone, events: [event, deleted], found: nothing, left: nothing };

  it('has no defects if only a tombstone remains, and what a late event may leave', () => {
    expect(defectsOfErased(gone)).toEqual([]);
    expect(defectsOfErased({ ...gone, found: { ...nothing, decisions: 1, 'history lines': 1 } })).toEqual([]);
  });

  it.each<[sentence: string, Partial<Erased>]>([
    ['The record says nothing.', { record: undefined }],
    ['The record says processed.', { record }],
    ['The record is not announced.', { record: { ...tombstone, announced: false } }],
    ['No ImageDeleted was published.', { events: [event] }],
    ['It has come back: versions 1.', { found: { ...nothing, versions: 1 } }],
    ['It has come back: delete markers 1.', { found: { ...nothing, 'delete markers': 1 } }],
    ['It has come back: renditions 2.', { found: { ...nothing, renditions: 2 } }],
    ['It has come back: record 1.', { found: { ...nothing, record: 1 } }],
    ['It has come back: dead letters 1.', { found: { ...nothing, 'dead letters': 1 } }],
    ['Erased once more, there is still something left.', { left: { ...nothing, 'history lines': 1 } }],
  ])('%s', (sentence, wrong) => {
    expect(defectsOfErased({ ...gone, ...wrong })).toEqual([sentence]);
  });
});

describe('an image with a dead letter', () => {
  const dead = { reason: 'record: Lambda.ServiceException', record, renditionKeys: shown };

  it.each([
    'record: Lambda.ServiceException',
    'log: socket hang up',
    'Lambda’s log: Worker process died',
    'record: Decided since: the record says processed.',
  ])('has no defects if the cause is known: %s', (reason) => {
    expect(defectsOfDead({ ...dead, reason })).toEqual([]);
  });

  it.each([
    'No record: the workflow failed or never started. Search the logs for the correlation id.',
    'A deletion failed, and no record explains why. Search the logs for the correlation id.',
    'record: ',
    'log: ',
  ])('has an unexplained failure if the cause is only “%s”', (reason) => {
    expect(defectsOfDead({ ...dead, reason })).toEqual(['Nothing explains why it failed.']);
  });

  it.each<[string, ImageRecord]>([
    ['processed', record],
    ['failed', { ...common, outcome: 'failed', message: 'Why', metadata, renditions }],
  ])('that is %s in its record must not list missing renditions', (_, showing) => {
    expect(defectsOfDead({ ...dead, record: showing, renditionKeys: [] })).toEqual([
      'The record lists renditions that do not exist.',
    ]);
  });
});

it.each([
  [[], { happened: 1, deadAgain: false }],
  [['It failed again after a redrive.'], { happened: 1, deadAgain: true }],
  [['The fault never occurred.'], { happened: 0, deadAgain: false }],
])('reports %j, given %j', (sentences, seen) => {
  expect(defectsOfProof(seen)).toEqual(sentences);
});

describe('the calls that can fail', () => {
  const calls = everyCall();

  it('are all calls that the workflow makes and the roles of an image’s functions allow', () => {
    expect(calls.length).toBeGreaterThan(20);
    expect(missingCalls(calls)).toEqual([]);
  });

  it.each(calls)('are incomplete without $stem $action', (call) => {
    expect(missingCalls(calls.filter((other) => other !== call))).toEqual([call]);
  });
});
