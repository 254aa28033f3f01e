import { describe, expect, it } from 'vitest';
import { type CurrentUpload, type Finding, findingsIn, type ImageFacts, repairsOf } from '../../core/audit.ts';
import { nextSequencer } from '../../core/image.ts';
import type { Preset } from '../../core/presets.ts';
import type { ImageRecord } from '../../core/record.ts';
import { CACHE_CONTROL, renditionKey } from '../../core/rendition.ts';
import { settingsOf } from '../../core/settings.ts';
import { deletedRecord, processedRecord } from '../support/records.ts';

const preset: Preset = { name: 'small', format: 'webp', width: 320, quality: 80 };
const imageId = 'c0ffee00c0ffee00c0ffee00c0ffee00';
const sequencer = '0055AED6DCD90281E500000000000000';
const older = '0055AED6DCD90281E400000000000000';
const newer = '0055AED6DCD90281E600000000000000';
const keyAt = (at: string, name = 'small') => renditionKey(imageId, at, { name, format: 'webp' });
const rendition = (at = sequencer) => ({
  ...{ preset: 'small', key: keyAt(at), contentType: 'image/webp', width: 4, height: 3, bytes: 5 },
  settings: settingsOf(preset),
});
const stored = (key: string) => ({
  ...{ key, bytes: 5 },
  headers: { contentType: 'image/webp', cacheControl: CACHE_CONTROL },
});
const upload: CurrentUpload = {
  bucket: 'uploads',
  ...{ key: 'cat.jpg', versionId: 'v1', etag: 'e1', size: 9, storedAt: '2026-01-02T03:04:05.000Z' },
};
const record = processedRecord({ imageId, sequencer, renditions: [rendition()] });
const rejected: ImageRecord = { ...withoutRenditions(record), outcome: 'rejected', reason: 'corrupt', message: 'No.' };
const failed: ImageRecord = { ...record, outcome: 'failed', message: 'No.', renditions: [rendition(older)] };
const gone = deletedRecord({ imageId, sequencer });
const sound: ImageFacts = { imageId, upload, record, renditions: [stored(keyAt(sequencer))] };

function withoutRenditions({ metadata: _, renditions: __, ...rest }: typeof record) {
  return rest;
}

const found = (facts: ImageFacts) => findingsIn(facts, [preset]);
const kinds = (facts: ImageFacts) => found(facts).map(({ kind }) => kind);
const sequencerAt = () => '0055AED6DC0000000000000000000000';
const repairs = (facts: ImageFacts) => repairsOf(facts, found(facts), sequencerAt);

describe('an image in order has no findings', () => {
  it.each<[what: string, facts: ImageFacts]>([
    ['processed', sound],
    ['processed, in a bucket whose events have no version id', { ...sound, record: { ...record, version: 'e1' } }],
    ['rejected', { imageId, upload, record: rejected, renditions: [] }],
    ['deleted', { imageId, record: gone, renditions: [] }],
    ['unknown', { imageId, renditions: [] }],
    ['processed, headers not read', { ...sound, renditions: [{ key: keyAt(sequencer), bytes: 5 }] }],
  ])('%s', (_, facts) => {
    expect(found(facts)).toEqual([]);
    expect(repairs(facts)).toEqual([]);
  });
});

const wrong = (property: string, expected: string, what: string) => ({
  ...{ kind: 'wrong-rendition', key: keyAt(sequencer), property, expected, found: what },
});

describe('a finding is', () => {
  it.each<[what: string, facts: ImageFacts, findings: readonly unknown[]]>([
    ['an upload without a record', { imageId, upload, renditions: [] }, [{ kind: 'no-record' }]],
    [
      'a record of an earlier upload',
      { ...sound, upload: { ...upload, versionId: 'v2', etag: 'e2' } },
      [{ kind: 'no-record' }],
    ],
    [
      'a tombstone, although the upload is there',
      { imageId, upload, record: gone, renditions: [] },
      [{ kind: 'no-record' }],
    ],
    ['a record without an upload', { ...sound, upload: undefined }, [{ kind: 'no-upload' }]],
    ['a failed image', { ...sound, record: failed, renditions: [stored(keyAt(older))] }, [{ kind: 'failed' }]],
    [
      'a record that was not announced',
      { ...sound, record: { ...record, announced: false } },
      [{ kind: 'unannounced' }],
    ],
    ['a missing rendition', { ...sound, renditions: [] }, [{ kind: 'missing-rendition', key: keyAt(sequencer) }]],
    [
      'a rendition of another size',
      { ...sound, renditions: [{ ...stored(keyAt(sequencer)), bytes: 6 }] },
      [wrong('size', '5 bytes', '6 bytes')],
    ],
    [
      'a rendition with other headers',
      { ...sound, renditions: [{ key: keyAt(sequencer), bytes: 5, headers: { contentType: 'text/html' } }] },
      [wrong('content type', 'image/webp', 'text/html'), wrong('cache header', CACHE_CONTROL, 'none')],
    ],
    [
      'a rendition made with other settings',
      { ...sound, record: { ...record, renditions: [{ ...rendition(), settings: 'webp 320 q70' }] } },
      [{ kind: 'outdated', missing: [], changed: ['small'], unwanted: [] }],
    ],
    [
      'a rendition of an older version',
      { ...sound, renditions: [...sound.renditions, stored(keyAt(older))] },
      [{ kind: 'orphan', key: keyAt(older) }],
    ],
    [
      'a rendition that its record does not list',
      { ...sound, renditions: [...sound.renditions, stored(keyAt(sequencer, 'old'))] },
      [{ kind: 'orphan', key: keyAt(sequencer, 'old') }],
    ],
    [
      'a rendition of a version after the one on record, if the upload is not newer',
      { ...sound, renditions: [...sound.renditions, stored(keyAt(newer))] },
      [{ kind: 'orphan', key: keyAt(newer) }],
    ],
    [
      'a rendition of a deleted image',
      { imageId, record: gone, renditions: [stored(keyAt(sequencer))] },
      [{ kind: 'orphan', key: keyAt(sequencer) }],
    ],
    [
      'a rendition of which nothing else is known',
      { imageId, renditions: [stored(keyAt(sequencer))] },
      [{ kind: 'orphan', key: keyAt(sequencer) }],
    ],
    [
      'a file of another kind',
      { ...sound, renditions: [...sound.renditions, stored('notes.txt')] },
      [{ kind: 'orphan', key: 'notes.txt' }],
    ],
    [
      'a file of another kind next to an upload without a record',
      { imageId, upload, renditions: [stored('notes.txt')] },
      [{ kind: 'no-record' }, { kind: 'orphan', key: 'notes.txt' }],
    ],
    [
      'a rendition that no attempt at a newer upload can have made',
      { ...sound, upload: { ...upload, versionId: 'v2', etag: 'e2' }, renditions: [stored(keyAt(older))] },
      [
        { kind: 'no-record' },
        { kind: 'missing-rendition', key: keyAt(sequencer) },
        { kind: 'orphan', key: keyAt(older) },
      ],
    ],
  ])('%s', (_, facts, findings) => {
    expect(found(facts)).toEqual(findings);
  });

  it('not what an undecided attempt may still put on record', () => {
    const undecided = { imageId, upload, renditions: [stored(keyAt(sequencer))] };
    expect(kinds(undecided)).toEqual(['no-record']);
    const overwritten = { ...sound, upload: { ...upload, versionId: 'v2', etag: 'e2' } };
    expect(kinds({ ...overwritten, renditions: [...sound.renditions, stored(keyAt(newer))] })).toEqual(['no-record']);
    const redrivable = { ...sound, record: failed, renditions: [stored(keyAt(older)), stored(keyAt(sequencer))] };
    expect(kinds(redrivable)).toEqual(['failed']);
  });
});

describe('the repair of', () => {
  const afterRecord = nextSequencer(sequencer);
  const process = (at: string) => ({ repair: 'process', upload, sequencer: at });

  it.each<[what: string, facts: ImageFacts, repairs: readonly unknown[]]>([
    [
      'an upload without a record processes it, at the time it was stored',
      { imageId, upload, renditions: [] },
      [process(sequencerAt())],
    ],
    [
      'an upload that only left renditions outranks them',
      { imageId, upload, renditions: [stored(keyAt(newer))] },
      [process(nextSequencer(newer))],
    ],
    [
      'an upload that left renditions of several attempts outranks the latest',
      { imageId, upload, renditions: [stored(keyAt(newer)), stored(keyAt(older))] },
      [process(nextSequencer(newer))],
    ],
    ['a missing rendition makes all again', { ...sound, renditions: [] }, [process(afterRecord)]],
    [
      'a record without an upload deletes the image',
      { ...sound, upload: undefined },
      [{ repair: 'delete', bucket: 'uploads', key: 'cat.jpg', sequencer: afterRecord }],
    ],
    [
      'renditions of an older version removes them',
      { ...sound, renditions: [...sound.renditions, stored(keyAt(older)), stored(keyAt(older, 'old'))] },
      [{ repair: 'remove', sequencer: older }],
    ],
    [
      'a deleted image’s renditions removes them',
      { imageId, record: gone, renditions: [stored(keyAt(sequencer))] },
      [{ repair: 'remove', sequencer }],
    ],
    [
      'renditions of which nothing else is known removes them',
      { imageId, renditions: [stored(keyAt(sequencer))] },
      [{ repair: 'remove', sequencer }],
    ],
    [
      'a rendition next to those in use makes all again, because removal is by version',
      { ...sound, renditions: [...sound.renditions, stored(keyAt(sequencer, 'old'))] },
      [process(afterRecord)],
    ],
    [
      'a rendition of a later version outranks it',
      { ...sound, renditions: [...sound.renditions, stored(keyAt(newer))] },
      [process(nextSequencer(newer))],
    ],
    [
      'a rendition of a version after the deletion deletes again',
      { imageId, record: gone, renditions: [stored(keyAt(newer))] },
      [{ repair: 'delete', bucket: 'uploads', key: 'cat.jpg', sequencer: nextSequencer(newer) }],
    ],
    [
      'a file of another kind is left to people',
      { ...sound, renditions: [...sound.renditions, stored('notes.txt')] },
      [],
    ],
  ])('%s', (_, facts, expected) => {
    expect(repairs(facts)).toEqual(expected);
  });

  it('an earlier upload’s record outranks it, and loses against every later change', () => {
    const [repair] = repairs({ ...sound, upload: { ...upload, versionId: 'v2', etag: 'e2' } });
    expect(repair).toMatchObject({ repair: 'process', sequencer: afterRecord });
    expect([sequencer < afterRecord, afterRecord < newer]).toEqual([true, true]);
  });

  it('an upload that was stored after all that is known of its image goes by that time', () => {
    const facts: ImageFacts = { imageId, upload, renditions: [stored(keyAt(sequencer))] };
    expect(repairsOf(facts, found(facts), () => newer)).toEqual([process(newer)]);
  });

  it('every finding but a file of another kind exists', () => {
    const all: readonly Finding['kind'][] = [
      'no-record',
      'no-upload',
      'failed',
      'unannounced',
      'missing-rendition',
      'wrong-rendition',
      'outdated',
    ];
    const texts = { key: keyAt(sequencer), property: 'size', expected: '1', found: '2' } as const;
    for (const kind of all) {
      const finding = { kind, ...texts, missing: [], changed: [], unwanted: [] };
      expect(repairsOf(sound, [finding], sequencerAt), kind).toHaveLength(1);
    }
  });
});
