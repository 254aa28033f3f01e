/** What upload bucket, record and rendition bucket must agree on, and what repairs a disagreement. Decides; reads nothing. */
import { type ImageId, nextSequencer, type Sequencer, type UploadAddress } from './image.ts';
import type { Preset } from './presets.ts';
import type { ImageRecord } from './record.ts';
import { CACHE_CONTROL, type Rendition, sequencerOf } from './rendition.ts';
import { isOutdated, type Outdated, outdated, shownBy } from './settings.ts';

/** All that is known about one image, at one moment. */
export interface ImageFacts {
  readonly imageId: ImageId;
  /** What the key holds now; absent if it was deleted. */
  readonly upload?: CurrentUpload | undefined;
  readonly record?: ImageRecord | undefined;
  /** Everything in the rendition bucket that belongs to the image. */
  readonly renditions: readonly StoredRendition[];
}

export interface CurrentUpload extends UploadAddress {
  /** Absent if the bucket has no versions. */
  readonly versionId?: string | undefined;
  readonly etag: string;
  readonly size: number;
  /** When it was stored; ISO 8601, UTC. */
  readonly storedAt: string;
}

export interface StoredRendition {
  readonly key: string;
  readonly bytes: number;
  /** Absent if they were not read: listing a bucket does not reveal them. */
  readonly headers?:
    | { readonly contentType?: string | undefined; readonly cacheControl?: string | undefined }
    | undefined;
}

export type Finding =
  /** The upload has no record, or the record describes an earlier one: its event was lost. */
  | { readonly kind: 'no-record' }
  /** The record shows an upload that is gone: the event of its deletion was lost. */
  | { readonly kind: 'no-upload' }
  /** Five attempts failed. */
  | { readonly kind: 'failed' }
  /** The record was written, and consumers were not told. */
  | { readonly kind: 'unannounced' }
  | { readonly kind: 'missing-rendition'; readonly key: string }
  | {
      readonly kind: 'wrong-rendition';
      readonly key: string;
      readonly property: 'size' | 'content type' | 'cache header';
      readonly expected: string;
      readonly found: string;
    }
  /** In the rendition bucket, on no record, and not wanted by an attempt that may still be decided. */
  | { readonly kind: 'orphan'; readonly key: string }
  /** Made with other presets than those of today. */
  | ({ readonly kind: 'outdated' } & Outdated);
export type FindingKind = Finding['kind'];

export const findingKinds = [
  'no-record',
  'no-upload',
  'failed',
  'unannounced',
  'missing-rendition',
  'wrong-rendition',
  'orphan',
  'outdated',
] as const satisfies readonly FindingKind[];

/** Empty if everything agrees. What changes while it is read disagrees too: look again later. */
export function findingsIn(facts: ImageFacts, presets: readonly Preset[]): readonly Finding[] {
  const { upload, record } = facts;
  return [
    ...findingsOnRecord(upload, record),
    ...(record === undefined ? [] : findingsOnRenditions(record, facts.renditions, presets)),
    ...orphansIn(facts).map((key): Finding => ({ kind: 'orphan', key })),
  ];
}

function findingsOnRecord(upload: CurrentUpload | undefined, record: ImageRecord | undefined): readonly Finding[] {
  if (upload !== undefined && (record === undefined || !isRecordOf(record, upload))) return [{ kind: 'no-record' }];
  if (record === undefined) return [];
  const { outcome, announced } = record;
  if (upload === undefined && outcome !== 'deleted') return [{ kind: 'no-upload' }];
  if (outcome === 'failed') return [{ kind: 'failed' }];
  return announced ? [] : [{ kind: 'unannounced' }];
}

/** S3's events carry the version id; the emulator's only the etag. */
export function isRecordOf({ outcome, version }: ImageRecord, { versionId, etag }: CurrentUpload): boolean {
  return outcome !== 'deleted' && (version === versionId || version === etag);
}

function findingsOnRenditions(
  record: ImageRecord,
  stored: readonly StoredRendition[],
  presets: readonly Preset[],
): readonly Finding[] {
  const shown = shownBy(record)?.renditions ?? [];
  const found = new Map(stored.map((rendition) => [rendition.key, rendition]));
  const difference = outdated(record, presets);
  return [
    ...shown.flatMap((rendition) => faultsOf(rendition, found.get(rendition.key))),
    ...(isOutdated(difference) ? [{ kind: 'outdated', ...difference } as const] : []),
  ];
}

function faultsOf({ key, bytes, contentType }: Rendition, stored: StoredRendition | undefined): readonly Finding[] {
  if (stored === undefined) return [{ kind: 'missing-rendition', key }];
  const { headers } = stored;
  const compared = [
    { property: 'size', expected: `${bytes} bytes`, found: `${stored.bytes} bytes` },
    ...(headers === undefined
      ? []
      : ([
          { property: 'content type', expected: contentType, found: headers.contentType ?? 'none' },
          { property: 'cache header', expected: CACHE_CONTROL, found: headers.cacheControl ?? 'none' },
        ] as const)),
  ] as const;
  return compared
    .filter(({ expected, found }) => expected !== found)
    .map((difference) => ({ kind: 'wrong-rendition', key, ...difference }));
}

/** Keys of any other shape than a rendition's are orphans too: nothing knows them. */
function orphansIn({ upload, record, renditions }: ImageFacts): readonly string[] {
  const shown = new Set(record === undefined ? [] : shownBy(record)?.renditions.map(({ key }) => key));
  return renditions
    .map(({ key }) => key)
    .filter((key) => !shown.has(key) && !mayBeWanted(sequencerOf(key), upload, record));
}

/** Whether an attempt that may still be decided, or a redrive, could put it on record. */
function mayBeWanted(
  sequencer: Sequencer | undefined,
  upload: CurrentUpload | undefined,
  record: ImageRecord | undefined,
): boolean {
  if (sequencer === undefined) return false;
  if (record === undefined) return upload !== undefined;
  if (sequencer === record.sequencer) return record.outcome === 'failed';
  return sequencer > record.sequencer && upload !== undefined && !isRecordOf(record, upload);
}

// ── Repairs ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Everything except `remove` is an event for the upload queue, which is the only way in. */
export type Repair =
  /** As if the upload were stored again: new renditions, a new record, an event, and the old renditions removed. */
  | { readonly repair: 'process'; readonly upload: CurrentUpload; readonly sequencer: Sequencer }
  /** As if the upload were deleted now. */
  | ({ readonly repair: 'delete'; readonly sequencer: Sequencer } & UploadAddress)
  /** `remove-renditions` with the scope `own`: for sequencers that are decided and shown by no record. */
  | { readonly repair: 'remove'; readonly sequencer: Sequencer };

/** Repaired by an event in the queue. */
export type QueuedRepair = Exclude<Repair, { readonly repair: 'remove' }>;

/**
 * Empty if there is nothing to repair, or it has to be done by hand.
 *
 * @param sequencerAt the lowest sequencer that S3 can have assigned at a time: S3 does not reveal that of an object
 */
export function repairsOf(
  facts: ImageFacts,
  findings: readonly Finding[],
  sequencerAt: (time: string) => Sequencer,
): readonly Repair[] {
  const { upload, record } = facts;
  const removable = new Set(removableSequencers(facts, findings));
  const needsWorkflow = findings.some((finding) => !isSolvedByRemoval(finding, removable));
  const known = [
    ...(record ? [record.sequencer] : []),
    ...facts.renditions.flatMap(({ key }) => sequencerOf(key) ?? []),
  ];
  const above = known.length === 0 ? undefined : nextSequencer(known.reduce((a, b) => (a > b ? a : b)));
  const removals = [...removable].map((sequencer) => ({ repair: 'remove', sequencer }) as const);
  if (!needsWorkflow) return removals;
  if (upload !== undefined) {
    const stored = sequencerAt(upload.storedAt);
    const sequencer = above === undefined || stored > above ? stored : above;
    return [...removals, { repair: 'process', upload, sequencer }];
  }
  // The record of an erased image has no key. All its orphans are removable.
  if (record?.key === undefined || above === undefined) return removals;
  return [...removals, { repair: 'delete', bucket: record.bucket, key: record.key, sequencer: above }];
}

function isSolvedByRemoval(finding: Finding, removable: ReadonlySet<Sequencer>): boolean {
  if (finding.kind !== 'orphan') return false;
  const sequencer = sequencerOf(finding.key);
  // A key of another shape is unknown: it is reported, and left to people.
  return sequencer === undefined || removable.has(sequencer);
}

/** Of orphans whose version is decided, while no rendition of the same version is shown. */
function removableSequencers({ record, upload }: ImageFacts, findings: readonly Finding[]): readonly Sequencer[] {
  const shown = new Set(record && shownBy(record)?.renditions.map(({ key }) => sequencerOf(key)));
  return findings
    .flatMap((finding) => (finding.kind === 'orphan' ? (sequencerOf(finding.key) ?? []) : []))
    .filter((sequencer) => !shown.has(sequencer))
    .filter((sequencer) => {
      if (record?.key === undefined && upload === undefined) return true;
      return record !== undefined && sequencer <= record.sequencer;
    });
}
