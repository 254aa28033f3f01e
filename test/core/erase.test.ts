import { describe, expect, it } from 'vitest';
import {
  deletionOf,
  erasableRenditions,
  erasableVersions,
  erasureSteps,
  isAboutErased,
  isErasedLine,
  outcomeOfDeletion,
  type StoredVersion,
  sumOf,
  verdictOf,
} from '../../core/erase.ts';
import { nextSequencer, sequencerAt } from '../../core/image.ts';
import { deletedRecord, processedRecord } from '../support/records.ts';

const [early, deletion, later] = ['2026-01-02T03:04:05.000Z', '2026-01-02T03:04:06.000Z', '2026-01-02T03:04:07.000Z'];
const version = (id: string, storedAt: string, changes: Partial<StoredVersion> = {}): StoredVersion => ({
  ...{ id, storedAt, kind: 'version', latest: false },
  ...changes,
});
const marker = (id: string, storedAt: string, changes: Partial<StoredVersion> = {}) =>
  version(id, storedAt, { kind: 'marker', ...changes });
const idsOf = (versions: readonly StoredVersion[]) => versions.map(({ id }) => id);
const { sequencer } = deletedRecord();
const below = (BigInt(`0x${sequencer}`) - 1n).toString(16).toUpperCase().padStart(32, '0');
const above = nextSequencer(sequencer);

describe('the order of an erasure', () => {
  const at = (step: (typeof erasureSteps)[number]) => erasureSteps.indexOf(step);

  it('has the tombstone on record before anything is removed', () => {
    expect(at('delete')).toBe(0);
    expect(at('await tombstone')).toBe(1);
  });

  it('waits for what is in progress after the versions are gone, and before what it could still write is removed', () => {
    expect(at('settle')).toBeGreaterThan(at('remove versions'));
    for (const step of ['remove renditions', 'remove dead letters', 'forget decisions', 'clear tombstone'] as const)
      expect(at(step)).toBeGreaterThan(at('settle'));
  });
});

describe('the deletion', () => {
  const nothing = { versions: [], record: undefined, renditions: [] };
  const deleted = [marker('m', later, { latest: true }), version('v1', early)];
  const { key: _, ...cleared } = deletedRecord();
  const after = (time: string) => sequencerAt(time);

  it('is one in S3 if something is current, whatever the record says', () => {
    const versions = [version('v2', later, { latest: true }), version('v1', early)];
    for (const record of [undefined, processedRecord(), deletedRecord()])
      expect(deletionOf({ ...nothing, versions, record }, after)).toEqual({
        deletion: 'object',
        above: record?.sequencer,
      });
  });

  it.each([processedRecord(), deletedRecord({ announced: false })])(
    'is an event just above the record if the key is deleted and the record does not say so',
    (record) => {
      expect(deletionOf({ ...nothing, versions: deleted, record }, after)).toEqual({
        deletion: 'event',
        sequencer: above,
      });
    },
  );

  it('is above everything that is known of the image, or it would not outrank it', () => {
    const event = { deletion: 'event', sequencer: nextSequencer(above) };
    const known = { ...nothing, record: deletedRecord() };
    expect(deletionOf({ ...known, newestLetter: above }, after)).toEqual(event);
    expect(deletionOf({ ...known, renditions: [`image/${above}/webp-320.webp`] }, after)).toEqual(event);
    expect(deletionOf({ ...nothing, newestLetter: above }, after)).toEqual(event);
  });

  it('goes by the time of the newest version if there is no record', () => {
    expect(deletionOf({ ...nothing, versions: deleted }, after)).toEqual({
      deletion: 'event',
      sequencer: sequencerAt(later),
    });
  });

  it('is not needed if a tombstone outranks all that is known, or nothing is known', () => {
    const none = { deletion: 'none' };
    expect(deletionOf({ ...nothing, versions: deleted, record: deletedRecord(), newestLetter: below }, after)).toEqual(
      none,
    );
    expect(deletionOf({ ...nothing, record: cleared }, after)).toEqual(none);
    expect(deletionOf(nothing, after)).toEqual(none);
  });
});

describe('the outcome of the deletion', () => {
  const given = { above: below, deletedAt: deletion };
  const [old, ofNew] = [version('v1', early), version('v9', later, { latest: true })];
  const stored =
    (...versions: readonly StoredVersion[]) =>
    async () =>
      versions;
  const unasked = async () => {
    throw new Error('It reads the versions, although the record says enough.');
  };

  it('is the tombstone once that is on record and announced', async () => {
    expect(await outcomeOfDeletion(deletedRecord(), given, unasked)).toEqual({
      outcome: 'deleted',
      through: sequencer,
    });
  });

  it.each([
    undefined,
    deletedRecord({ announced: false }),
    deletedRecord({ sequencer: below }),
    processedRecord({ sequencer: below }),
  ])('is open while the record does not outrank what was known, or is not announced: %#', async (record) => {
    expect(await outcomeOfDeletion(record, given, unasked)).toBeUndefined();
  });

  it.each(['processed', 'failed'] as const)(
    'is an upload that came after it and has the record: %s',
    async (outcome) => {
      const record =
        outcome === 'processed'
          ? processedRecord({ sequencer: above, version: 'v9' })
          : { ...deletedRecord({ sequencer: above, version: 'v9' }), outcome, message: 'Why' };
      expect(await outcomeOfDeletion(record, given, stored(ofNew, old))).toEqual({
        outcome: 'uploaded again',
        through: sequencer,
      });
    },
  );

  it('is open while a new upload has failed, and its record keeps what the erased image showed', async () => {
    const { renditions, metadata } = processedRecord();
    const failed = {
      ...deletedRecord({ sequencer: above, version: 'v9' }),
      outcome: 'failed' as const,
      message: 'Why',
    };
    for (const kept of [{ renditions, metadata }, { metadata }])
      expect(await outcomeOfDeletion({ ...failed, ...kept }, given, unasked)).toBeUndefined();
  });

  it('is open while the record is of an upload before it', async () => {
    const record = processedRecord({ sequencer: above, version: 'v1' });
    expect(await outcomeOfDeletion(record, given, stored(old))).toBeUndefined();
    expect(await outcomeOfDeletion(record, given, stored(ofNew, old))).toBeUndefined();
  });

  it('is open while no version is newer than the deletion: of the record’s upload, only a marker or nothing is left', async () => {
    const record = processedRecord({ sequencer: above, version: 'v9' });
    expect(await outcomeOfDeletion(record, given, stored(marker('m', later, { latest: true }), old))).toBeUndefined();
    expect(await outcomeOfDeletion(record, given, stored(old))).toBeUndefined();
  });

  it('in a bucket without versions is any object that is there: the deletion removed the one before', async () => {
    const record = processedRecord({ sequencer: above, version: 'etag' });
    const unversioned = { ...given, deletedAt: '' };
    const current = version('null', later, { latest: true });
    expect(await outcomeOfDeletion(record, unversioned, stored(current))).toMatchObject({ outcome: 'uploaded again' });
    expect(await outcomeOfDeletion(record, unversioned, stored())).toBeUndefined();
  });
});

describe('the versions to erase', () => {
  it('are all up to the deletion: versions first, its own marker last, so that no older version becomes current', () => {
    const versions = [
      marker('deletion', deletion, { latest: true }),
      version('v2', early),
      marker('older', early),
      version('v1', early),
    ];
    expect(idsOf(erasableVersions(versions, deletion))).toEqual(['v2', 'v1', 'older', 'deletion']);
  });

  it('are not those of an upload that came after it', () => {
    const versions = [version('new', later, { latest: true }), marker('deletion', deletion), version('v1', early)];
    expect(idsOf(erasableVersions(versions, deletion))).toEqual(['v1', 'deletion']);
    // Not even if it was overwritten or deleted since.
    const overwritten = [version('newest', later, { latest: true }), version('new', later), marker('m', later)];
    expect(erasableVersions(overwritten, deletion)).toEqual([]);
  });

  it('of the same second are older than the deletion, except for the latest', () => {
    const versions = [
      version('new', deletion, { latest: true }),
      marker('deletion', deletion),
      version('v1', deletion),
    ];
    expect(idsOf(erasableVersions(versions, deletion))).toEqual(['v1', 'deletion']);
  });

  it('include one that became current again, because something else removed the marker', () => {
    expect(idsOf(erasableVersions([version('v1', early, { latest: true })], deletion))).toEqual(['v1']);
  });
});

describe('the renditions to erase', () => {
  const keys = [below, sequencer, above].map((of) => `image/${of}/webp-320.webp`);

  it('are those up to the tombstone', () => {
    expect(erasableRenditions(keys, deletedRecord())).toEqual(keys.slice(0, 2));
  });

  it('are those below a new upload that is on record', () => {
    expect(erasableRenditions(keys, processedRecord())).toEqual(keys.slice(0, 1));
  });

  it('are all if there is no record, and keys of any other shape', () => {
    expect(erasableRenditions(keys, undefined)).toEqual(keys);
    expect(erasableRenditions(['image/odd'], deletedRecord())).toEqual(['image/odd']);
  });
});

describe('a dead letter', () => {
  const about = (changes: object) => ({ imageId: 'image', ...changes });

  it('is about an erased version if that is gone', () => {
    expect(isAboutErased(about({ versionId: 'v1', sequencer: above }), deletedRecord(), [])).toBe(true);
    expect(isAboutErased(about({ versionId: 'v1' }), undefined, [])).toBe(true);
    const others = [version('v9', later, { latest: true })];
    expect(isAboutErased(about({ versionId: 'v1', sequencer: below }), deletedRecord(), others)).toBe(true);
  });

  it('is if nothing is on record any more', () => {
    expect(isAboutErased(about({ sequencer: above }), undefined, [])).toBe(true);
  });

  it('is not if the version exists, or if the record still shows the version and the letter would change that', () => {
    const versions = [version('v9', later, { latest: true })];
    expect(isAboutErased(about({ versionId: 'v9', sequencer: above }), deletedRecord(), versions)).toBe(false);
    expect(isAboutErased(about({ versionId: 'v1', sequencer: above }), processedRecord(), [])).toBe(false);
  });

  it('is not if it is the one that has to announce the deletion', () => {
    const record = deletedRecord({ announced: false });
    expect(isAboutErased(about({ sequencer }), record, [])).toBe(false);
    expect(isAboutErased(about({ sequencer: below }), record, [])).toBe(true);
  });

  it('without a version goes by its place in the order', () => {
    const erased = (of: string) => isAboutErased(about({ sequencer: of }), deletedRecord(), []);
    expect([below, sequencer, above].map(erased)).toEqual([true, true, false]);
  });
});

describe('the verdict', () => {
  const nothing = {
    imageId: 'image',
    versions: [],
    renditions: [],
    letters: 0,
    lettersOfErased: 0,
    decisions: 0,
    historyLines: 0,
    historyLinesOfErased: 0,
  };
  const { key: _, ...cleared } = deletedRecord({ expiresAt: 1234 });

  it('is that the image is erased if only a tombstone without a key is left', () => {
    const { left, ...rest } = verdictOf({ ...nothing, record: cleared }, deletion);
    expect(sumOf(left)).toBe(0);
    expect(rest).toEqual({ uploadedAgain: false, tombstoneUntil: 1234 });
  });

  it.each([
    ['versions', { versions: [version('v1', early)] }],
    ['delete markers', { versions: [marker('m', early)] }],
    ['renditions', { renditions: [`image/${below}/webp-320.webp`] }],
    ['record', { record: deletedRecord() }],
    ['record', { record: processedRecord() }],
    ['dead letters', { letters: 1 }],
    ['decisions', { decisions: 2 }],
    ['history lines', { historyLines: 3 }],
  ] as const)('counts %s that are left', (kind, found) => {
    const { left } = verdictOf({ ...nothing, record: cleared, ...found }, deletion);
    expect(left[kind]).toBeGreaterThan(0);
    expect(sumOf(left)).toBe(left[kind]);
  });

  it('is the same without a tombstone, which has expired or was never written', () => {
    const { left, ...rest } = verdictOf({ ...nothing, record: undefined }, deletion);
    expect(sumOf(left)).toBe(0);
    expect(rest).toEqual({ uploadedAgain: false, tombstoneUntil: undefined });
  });

  it('does not take another deletion for an upload', () => {
    const versions = [marker('m', later, { latest: true }), version('v1', early)];
    const { left, uploadedAgain } = verdictOf({ ...nothing, versions, record: cleared, decisions: 1 }, deletion);
    expect(uploadedAgain).toBe(false);
    expect([left.versions, left.decisions]).toEqual([1, 1]);
  });

  it('leaves an image that was uploaded again alone', () => {
    const renditions = [`image/${sequencer}/webp-320.webp`];
    const versions = [version('new', later, { latest: true })];
    const again = { ...nothing, versions, renditions, decisions: 1, letters: 1, historyLines: 1 };
    const { left, uploadedAgain } = verdictOf({ ...again, record: processedRecord() }, deletion);
    expect(sumOf(left)).toBe(0);
    expect(uploadedAgain).toBe(true);
    const withLetter = verdictOf({ ...again, record: processedRecord(), lettersOfErased: 1 }, deletion);
    expect(withLetter.left['dead letters']).toBe(1);
    const withLine = verdictOf({ ...again, record: processedRecord(), historyLinesOfErased: 1 }, deletion);
    expect(withLine.left['history lines']).toBe(1);
  });
});

describe('a line of history', () => {
  const line = { imageId: 'cat', event: 'processed' } as const;
  const erased = { through: sequencer, newVersions: ['new'] };

  it.each([below, sequencer])('is erased up to the tombstone, in the order of S3: %s', (place) => {
    expect(isErasedLine({ ...line, sequencer: place, version: 'v1' }, erased)).toBe(true);
  });

  it('of an upload that came after it stays', () => {
    expect(isErasedLine({ ...line, sequencer: above, version: 'new' }, erased)).toBe(false);
    expect(isErasedLine({ ...line, event: 'infected', version: 'new' }, erased)).toBe(false);
    // It may have been overwritten since, so that its version is not in the bucket any more.
    expect(isErasedLine({ ...line, sequencer: above, version: 'overwritten' }, erased)).toBe(false);
  });

  it('about an old version, or about the item alone, is erased although it has no place in the order', () => {
    expect(isErasedLine({ ...line, event: 'version-deleted', version: 'v1' }, erased)).toBe(true);
    expect(isErasedLine({ ...line, event: 'expired' }, erased)).toBe(true);
  });

  it('is erased if nothing of the image had a place, unless its version is new', () => {
    expect(isErasedLine({ ...line, sequencer: above, version: 'v1' }, { newVersions: ['new'] })).toBe(true);
    expect(isErasedLine({ ...line, sequencer: above, version: 'new' }, { newVersions: ['new'] })).toBe(false);
  });

  it('that an erasure has left stays', () => {
    expect(isErasedLine({ ...line, event: 'erased' }, erased)).toBe(false);
  });
});
