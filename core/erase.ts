/** What an erasure removes of an image, in what order, and whether anything is left. Decides; reads nothing. */
import type { HistoryLine } from './history.ts';
import { type ImageId, nextSequencer, previousSequencer, type Sequencer } from './image.ts';
import type { ImageRecord } from './record.ts';
import { sequencerOf } from './rendition.ts';

/**
 * Each step is done for all images before the next one begins, and can be repeated.
 *
 * The deletion comes first: its tombstone outranks every event of a version that exists, so whatever is in progress loses. The
 * tombstone loses its key last: until then, a stopped erasure finds the image again by its prefix.
 */
export const erasureSteps = [
  /** As if the owner deleted it: the pipeline writes a tombstone, removes the renditions and tells consumers. */
  'delete',
  /** Until the tombstone is on record, or a new upload of the same key. */
  'await tombstone',
  'remove versions',
  /** Until every event that was on its way is decided, and no worker that has read a version can still be running. */
  'settle',
  /** Those that a worker wrote late. */
  'remove renditions',
  'remove dead letters',
  'forget decisions',
  'clear tombstone',
  /** Until the history has all of these changes, too. */
  'settle history',
  'erase history',
] as const;
export type ErasureStep = (typeof erasureSteps)[number];

/** One version of an upload, or a delete marker, as S3 lists it. */
export interface StoredVersion {
  /** S3's version id; `null` if it was stored while the bucket had no versions. */
  readonly id: string;
  readonly kind: 'version' | 'marker';
  /** The one that the key shows. */
  readonly latest: boolean;
  /** ISO 8601, UTC, to the second. */
  readonly storedAt: string;
}

/** Why S3 must keep a version. */
export type Hold =
  | { readonly hold: 'legal hold'; readonly versionId: string }
  | { readonly hold: 'retention'; readonly versionId: string; readonly mode: string; readonly until: string };

// ── What to do ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** How to make the tombstone. */
export type Deletion =
  /**
   * Something is current in S3: deleting it makes S3 send the event, with a place in the order that only S3 knows. It is higher
   * than `above`.
   */
  | { readonly deletion: 'object'; readonly above: Sequencer | undefined }
  /** The key is deleted, and no record says so: that event is lost, late, or a dead letter. As an audit repairs it. */
  | { readonly deletion: 'event'; readonly sequencer: Sequencer }
  /** There is a tombstone that outranks all that is known, or nothing is known. */
  | { readonly deletion: 'none' };

/** What an image's place in the order can be read from. */
export interface Known {
  readonly versions: readonly StoredVersion[];
  readonly record: ImageRecord | undefined;
  readonly renditions: readonly string[];
  /** The highest in dead letters. */
  readonly newestLetter?: Sequencer | undefined;
}

/** @param sequencerAfter the lowest that S3 can have assigned after a time */
export function deletionOf(
  { versions, record, renditions, newestLetter }: Known,
  sequencerAfter: (time: string) => Sequencer,
): Deletion {
  if (versions.some(({ kind, latest }) => kind === 'version' && latest))
    return { deletion: 'object', above: record?.sequencer };
  const newest = highest([newestLetter, record?.sequencer, ...renditions.map(sequencerOf)]);
  if (isTombstone(record) && newest === record.sequencer) return { deletion: 'none' };
  // Without a record, nothing but the time says when the versions were stored.
  const stored = record === undefined && versions.length > 0 ? sequencerAfter(newestOf(versions)) : undefined;
  const above = highest([stored, newest && nextSequencer(newest)]);
  return above === undefined ? { deletion: 'none' } : { deletion: 'event', sequencer: above };
}

export function highest(sequencers: readonly (Sequencer | undefined)[]): Sequencer | undefined {
  return sequencers.reduce((one, other) => (one === undefined || (other !== undefined && other > one) ? other : one));
}

/** When the last version or delete marker was stored; empty if there is none. */
export function newestOf(versions: readonly StoredVersion[]): string {
  return versions.reduce((newest, { storedAt }) => (storedAt > newest ? storedAt : newest), '');
}

/** The deletion is on record and its event is published. */
export function isTombstone(record: ImageRecord | undefined): record is Extract<ImageRecord, { outcome: 'deleted' }> {
  return record?.outcome === 'deleted' && record.announced;
}

/** What has become of the deletion. `through`: everything up to this place in the order is of the erased image. */
export type DeletionOutcome =
  | { readonly outcome: 'deleted'; readonly through: Sequencer }
  /** The record is of an upload that came after the deletion: it refuses late events as a tombstone would. */
  | { readonly outcome: 'uploaded again'; readonly through: Sequencer };

/**
 * Undefined until there is an outcome.
 *
 * @param above the place in the order that the deletion outranks
 * @param deletedAt when the delete marker was stored
 * @param versions what is stored now
 */
export async function outcomeOfDeletion(
  record: ImageRecord | undefined,
  { above, deletedAt }: { readonly above: Sequencer; readonly deletedAt: string },
  versions: () => Promise<readonly StoredVersion[]>,
): Promise<DeletionOutcome | undefined> {
  if (record === undefined || record.sequencer <= above) return undefined;
  if (record.outcome === 'deleted')
    return record.announced ? { outcome: 'deleted', through: record.sequencer } : undefined;
  // A failure keeps what the record showed before: the image that is erased.
  if (record.outcome === 'failed' && (record.renditions ?? record.metadata) !== undefined) return undefined;
  const stored = await versions();
  const old = new Set(erasableVersions(stored, deletedAt).map(({ id }) => id));
  // It may be of an upload shortly before the deletion, whose event is still on its way.
  const isUploadedAgain = stored.some(({ id, kind }) => kind === 'version' && !old.has(id)) && !old.has(record.version);
  return isUploadedAgain ? { outcome: 'uploaded again', through: previousSequencer(record.sequencer) } : undefined;
}

/**
 * Everything up to the deletion. An upload that came after it is a new image, even under the same key, and stays.
 *
 * S3's times are in seconds: a version of the same second is older than the deletion unless it is the latest.
 *
 * @param deletedAt when the delete marker was stored
 * @returns in the order of removal: while there is a delete marker, no older version becomes current again
 */
export function erasableVersions(versions: readonly StoredVersion[], deletedAt: string): readonly StoredVersion[] {
  const erasable = versions.filter(
    ({ kind, latest, storedAt }) => storedAt < deletedAt || (storedAt === deletedAt && (kind === 'marker' || !latest)),
  );
  return erasable.toSorted((one, other) => rank(one) - rank(other));
}

function rank({ kind, latest }: StoredVersion): number {
  return kind === 'version' ? 0 : latest ? 2 : 1;
}

/** Those of versions up to the deletion. A key of any other shape belongs to no version, so it goes as well. */
export function erasableRenditions(keys: readonly string[], record: ImageRecord | undefined): readonly string[] {
  if (record === undefined) return keys;
  return keys.filter((key) => isErased(sequencerOf(key), record));
}

/** What a message in a queue is about. */
export interface Subject {
  readonly imageId: ImageId;
  readonly versionId?: string | undefined;
  /** Absent in a malware verdict. */
  readonly sequencer?: Sequencer | undefined;
}

/** Whether a dead letter is about an erased version, and not about an upload that came after it. */
export function isAboutErased(
  { sequencer, versionId }: Subject,
  record: ImageRecord | undefined,
  versions: readonly StoredVersion[],
): boolean {
  // It may be the one that finishes what the record says: consumers have to be told.
  if (record?.announced === false && sequencer === record.sequencer) return false;
  // It names a version: erased if that is gone, unless the record shows it, and the letter would change that.
  if (versionId !== undefined) {
    const isShown = record?.outcome !== 'deleted' && record?.version === versionId;
    return !isShown && !versions.some(({ id }) => id === versionId);
  }
  return record === undefined || isErased(sequencer, record);
}

function isErased(sequencer: Sequencer | undefined, record: ImageRecord): boolean {
  if (sequencer === undefined) return true;
  return record.outcome === 'deleted' ? sequencer <= record.sequencer : sequencer < record.sequencer;
}

/** What a line of history says about its image. */
export type Line = Pick<HistoryLine, 'imageId' | 'event' | 'sequencer' | 'version'>;

/**
 * Whether a line of history is about an erased image, and not about an upload of the same key that came after it.
 *
 * @param through the place of the tombstone in the order; undefined if nothing of the image had one
 * @param newVersions of the upload bucket, those that came after the deletion. Marks of versions have no place in the order
 */
export function isErasedLine(
  { event, sequencer, version }: Line,
  {
    through,
    newVersions = [],
  }: { readonly through?: Sequencer | undefined; readonly newVersions?: readonly string[] | undefined },
): boolean {
  // What an erasure leaves.
  if (event === 'erased') return false;
  if (through !== undefined && sequencer !== undefined) return sequencer <= through;
  return version === undefined || !newVersions.includes(version);
}

// ── The last look ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Everything that is stored about an image. */
export interface Traces {
  readonly imageId: ImageId;
  readonly versions: readonly StoredVersion[];
  readonly renditions: readonly string[];
  readonly record: ImageRecord | undefined;
  /** Messages in dead-letter queues. */
  readonly letters: number;
  /** Those that are not about an upload that came after the deletion. */
  readonly lettersOfErased: number;
  /** Items of the table for idempotency. */
  readonly decisions: number;
  readonly historyLines: number;
  /** Those that are not about such an upload. */
  readonly historyLinesOfErased: number;
}

export const traceKinds = [
  'versions',
  'delete markers',
  'renditions',
  'record',
  'dead letters',
  'decisions',
  'history lines',
] as const;
export type TraceKind = (typeof traceKinds)[number];
export type Count = Readonly<Record<TraceKind, number>>;

/** The first look: what there is to erase. The key in a tombstone counts as a record. */
export function countOf({
  versions,
  renditions,
  record,
  letters,
  decisions,
  historyLines,
}: Omit<Traces, 'imageId' | 'lettersOfErased' | 'historyLinesOfErased'>): Count {
  return {
    versions: versions.filter(({ kind }) => kind === 'version').length,
    'delete markers': versions.filter(({ kind }) => kind === 'marker').length,
    renditions: renditions.length,
    record: record?.key === undefined ? 0 : 1,
    'dead letters': letters,
    decisions,
    'history lines': historyLines,
  };
}

export function sumOf(count: Count): number {
  return traceKinds.reduce((sum, kind) => sum + count[kind], 0);
}

export interface Verdict {
  /** What is left; all zero if the image is erased. */
  readonly left: Count;
  /** The same key was uploaded again after the deletion. That image is new, and stays. */
  readonly uploadedAgain: boolean;
  /** Until then, the tombstone refuses late events (epoch seconds); undefined if there is none. */
  readonly tombstoneUntil: number | undefined;
}

export function verdictOf(traces: Traces, deletedAt: string): Verdict {
  const { versions, renditions, record, lettersOfErased, historyLinesOfErased } = traces;
  const old = erasableVersions(versions, deletedAt);
  const uploadedAgain = versions.some((stored) => stored.kind === 'version' && !old.includes(stored));
  const found = countOf({ ...traces, versions: old, renditions: erasableRenditions(renditions, record) });
  // The rest is of the new image.
  const ofErased = {
    ...{ record: isTombstone(record) ? found.record : 0, 'dead letters': lettersOfErased },
    ...{ decisions: 0, 'history lines': historyLinesOfErased },
  };
  const left = uploadedAgain ? { ...found, ...ofErased } : found;
  const tombstoneUntil = record?.outcome === 'deleted' ? record.expiresAt : undefined;
  return { left, uploadedAgain, tombstoneUntil };
}

// ── What remains elsewhere ──────────────────────────────────────────────────────────────────────────────────────────

export interface Remainder {
  readonly where: string;
  readonly what: string;
  readonly days: number;
}

/** Where nothing can be removed, and for how many days at most. docs/erase.md has the same list. */
export const remainders = [
  { where: 'point-in-time recovery of ImageTable', what: 'the earlier record, with its metadata', days: 35 },
  { where: 'point-in-time recovery of IdempotencyTable', what: 'hashes and outcomes', days: 35 },
  { where: 'DomainEventArchive', what: 'key, metadata and renditions of each outcome', days: 30 },
  {
    where: 'UndeliveredDomainEventQueue',
    what: 'the key, in an ImageDeleted that consumers have not received',
    days: 14,
  },
  { where: 'logs of dispatch-images', what: 'bucket, key and version', days: 90 },
  { where: 'AccessLogBucket', what: 'the key, and who asked for it', days: 90 },
  { where: 'HistoryBucket', what: 'one line: a hash of bucket and key, and when it was erased', days: 400 },
  { where: 'answers to queries in HistoryBucket', what: 'whatever was asked for', days: 1 },
  { where: 'backups, if governance/backup.yaml is deployed', what: 'the upload and the record', days: 35 },
] as const satisfies readonly Remainder[];

/** All decisions above, so that a test can break one of them. */
export const erasureRules = {
  steps: erasureSteps as readonly ErasureStep[],
  deletionOf,
  outcomeOfDeletion,
  erasableVersions,
  erasableRenditions,
  isAboutErased,
  isErasedLine,
};
export type ErasureRules = typeof erasureRules;
