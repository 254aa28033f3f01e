import { describe, expect, it } from 'vitest';
import type { CurrentUpload } from '../../core/audit.ts';
import { nextSequencer } from '../../core/image.ts';
import type { Preset } from '../../core/presets.ts';
import type { ImageRecord } from '../../core/record.ts';
import { chosenFor, rerenderOf } from '../../core/rerender.ts';
import { settingsOf } from '../../core/settings.ts';
import { deletedRecord, processedRecord } from '../support/records.ts';

const small: Preset = { name: 'small', format: 'webp', width: 2, quality: 80 };
const large: Preset = { name: 'large', format: 'webp', width: 4, quality: 80 };
const renditionOf = (preset: Preset) => ({
  ...{ preset: preset.name, key: `image/1/${preset.name}.webp`, contentType: 'image/webp' },
  ...{ width: preset.width, height: 3, bytes: 5, settings: settingsOf(preset) },
});
const current = processedRecord({ renditions: [renditionOf(small), renditionOf(large)] });
const changed = processedRecord({ renditions: [renditionOf({ ...small, quality: 70 }), renditionOf(large)] });
const upload: CurrentUpload = {
  bucket: 'uploads',
  ...{ key: 'cat.jpg', versionId: 'v1', etag: 'e1', size: 9, storedAt: '2026-01-02T03:04:05.000Z' },
};
const presets = [small, large];

describe('an image is chosen', () => {
  const gone = processedRecord({ renditions: [...current.renditions, renditionOf({ ...small, name: 'tiny' })] });
  it.each<[what: string, record: ImageRecord, names: readonly string[]]>([
    ['another setting', changed, ['small']],
    ['a rendition fewer', processedRecord({ renditions: [renditionOf(small)] }), ['large']],
    ['a rendition that no preset wants', gone, ['tiny']],
  ])('for %s, with --only if that names the preset', (_, record, [name = '']) => {
    expect(chosenFor(record, presets)).toBeDefined();
    expect(chosenFor(record, presets, ['other', name])).toBeDefined();
    expect(chosenFor(record, presets, ['other'])).toBeUndefined();
  });

  it('with --only also if more is outdated than that, and says all of it', () => {
    const record = processedRecord({ renditions: [renditionOf({ ...small, quality: 70 })] });
    const all = { missing: ['large'], changed: ['small'], unwanted: [] };
    expect(chosenFor(record, presets, ['small'])).toEqual(all);
    expect(chosenFor(record, presets)).toEqual(all);
  });

  it.each<[what: string, record: ImageRecord]>([
    ['has what the presets want', current],
    ['was deleted', deletedRecord()],
    ['has failed: a redrive renders it with the presets of the day', { ...changed, outcome: 'failed', message: 'No.' }],
  ])('never if it %s', (_, record) => {
    expect(chosenFor(record, presets)).toBeUndefined();
  });
});

describe('the place of a re-render in the order', () => {
  it('is the next one after the record’s, so that every later change wins', () => {
    const repair = rerenderOf({ record: changed, upload }, presets);
    expect(repair).toEqual({ repair: 'process', upload, sequencer: nextSequencer(changed.sequencer) });
    // The next sequencer that S3 can assign.
    const later = '0055AED6DCD90281E600000000000000';
    expect([changed.sequencer, repair?.sequencer, later].toSorted()).toEqual([
      changed.sequencer,
      repair?.sequencer,
      later,
    ]);
  });

  it('is the same if it is asked for twice', () => {
    expect(rerenderOf({ record: changed, upload }, presets)).toEqual(rerenderOf({ record: changed, upload }, presets));
  });
});

describe('nothing is rendered', () => {
  it.each<[what: string, facts: Parameters<typeof rerenderOf>[0]]>([
    ['of an upload that is gone', { record: changed, upload: undefined }],
    [
      'of one that was replaced: its own event is on its way',
      { record: changed, upload: { ...upload, versionId: 'v2', etag: 'e2' } },
    ],
    ['without a record', { record: undefined, upload }],
    ['if nothing is outdated', { record: current, upload }],
  ])('%s', (_, facts) => {
    expect(rerenderOf(facts, presets)).toBeUndefined();
  });
});
