/** Which uploads a backfill processes, which objects of another bucket it copies, and how long that takes. Decides; reads nothing. */
import type { CurrentUpload, ImageFacts, Repair } from './audit.ts';
import type { Sequencer } from './image.ts';
import { type Limits, rejectBytes } from './limits.ts';
import { roomFor } from './queue-room.ts';
import { isOwnImage } from './sender.ts';

/** Nothing is known of it, and it is none that the probe or the release check has just stored. */
export function needsBackfill({ upload, record }: Pick<ImageFacts, 'upload' | 'record'>): boolean {
  return upload !== undefined && record === undefined && !isOwnImage(upload.key);
}

/**
 * Undefined if the upload has a record by now. That of an earlier version counts: an audit repairs it, because it waits for whatever
 * may still be in progress at that version.
 *
 * The place in the order is the lowest of the second in which the upload was stored. So every event that S3 has sent since then wins,
 * also the upload's own, and asking twice is a repeat.
 *
 * @param sequencerAt the lowest sequencer that S3 can have assigned at a time
 */
export function backfillOf(
  facts: Pick<ImageFacts, 'upload' | 'record'>,
  sequencerAt: (time: string) => Sequencer,
): Extract<Repair, { repair: 'process' }> | undefined {
  const { upload } = facts;
  if (upload === undefined || !needsBackfill(facts)) return undefined;
  return { repair: 'process', upload, sequencer: sequencerAt(upload.storedAt) };
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

// ── In the account ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Keys per batch of the workflow. */
export const BATCH_KEYS = 100;

/**
 * Calls of the workflow's function for one batch. Each sends as much as there is room for.
 *
 * @param without which of them have no record
 */
export function callsPerBatch(without: 'all' | 'none', perSecond: number): number {
  return without === 'none' ? 1 : Math.ceil(BATCH_KEYS / roomFor(0, perSecond));
}
