/** Which uploads a backfill processes, which objects of another bucket it copies, and how long that takes. Decides; reads nothing. */
import { type CurrentUpload, type ImageFacts, lacksRecord, type Repair, repairsOf } from './audit.ts';
import type { Sequencer } from './image.ts';
import { type Limits, rejectBytes } from './limits.ts';
import { isOwnImage } from './sender.ts';

/** An upload without a record, and not one that the probe or the release check has just stored. */
export function needsBackfill(facts: Pick<ImageFacts, 'upload' | 'record'>): boolean {
  return facts.upload !== undefined && !isOwnImage(facts.upload.key) && lacksRecord(facts);
}

/**
 * What an audit does about an upload without a record. Empty if it has one by now.
 *
 * Any later upload, overwrite or deletion has a higher sequencer. Asking twice is a repeat: unlike an audit, it does not take a place
 * above the renditions in the bucket, which may be those of its own event.
 *
 * @param sequencerAt the lowest sequencer that S3 can have assigned at a time
 */
export function backfillOf(
  facts: Omit<ImageFacts, 'renditions'>,
  sequencerAt: (time: string) => Sequencer,
): readonly Repair[] {
  return needsBackfill(facts) ? repairsOf({ ...facts, renditions: [] }, [{ kind: 'no-record' }], sequencerAt) : [];
}

// ── Copies ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export type CopyDecision =
  | 'copy'
  /** An earlier run has copied it. */
  | 'there'
  /** Its place holds another file, which stays. */
  | 'taken'
  /** The pipeline would reject it for its size, so a copy would only cost storage. */
  | 'unfit';

/**
 * Never to replace an upload. The size has to do: a copy has another etag if its bucket has another encryption.
 *
 * @param found what the upload bucket has in its place
 */
export function copyDecision(
  { size }: Pick<CurrentUpload, 'size'>,
  found: Pick<CurrentUpload, 'size'> | undefined,
  limits: Limits,
): CopyDecision {
  if (!isWorthCopying(size, limits)) return 'unfit';
  if (found === undefined) return 'copy';
  return found.size === size ? 'there' : 'taken';
}

/** Folders are empty too. */
export function isWorthCopying(size: number, limits: Limits): boolean {
  return rejectBytes(size, limits) === undefined;
}

// ── Plan ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface BackfillPlan {
  readonly images: number;
  readonly usd: number;
  readonly minutes: number;
}

export function planBackfill(
  images: number,
  { perSecond, usdPerImage }: { readonly perSecond: number; readonly usdPerImage: number },
): BackfillPlan {
  return { images, usd: images * usdPerImage, minutes: Math.ceil(images / perSecond / 60) };
}
