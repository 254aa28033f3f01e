import { padSequencer } from '../../core/image.ts';
import type { RenditionGroup } from '../../core/presets.ts';
import { presetsFor, renditionKey } from '../../core/rendition.ts';
import { type Change, type DomainEvent, header } from './world.ts';

/** What the records must be in the end, expressed without queues, workflows or tables. */

export interface Ending {
  readonly outcome: string;
  readonly sequencer: string;
}

/** One version of an image in S3. */
export interface ImageState extends Change {
  readonly kind: Kind;
  /** When the version was permanently removed; ISO 8601, UTC. */
  erasedAt?: string;
  /** GuardDuty has found malware in it. */
  infected?: boolean;
}
/** A cracked file can be rendered but not described. A deadly one kills every worker that renders its AVIF. */
export const kinds = ['photo', 'torn', 'cracked', 'empty', 'deadly'] as const;
type Kind = (typeof kinds)[number] | 'deletion';

const decisions: Readonly<Record<Kind, string>> = {
  ...{ photo: 'processed', torn: 'rejected', cracked: 'rejected', empty: 'rejected', deadly: 'rejected' },
  deletion: 'deleted',
};

/** The decision once everything has arrived, whether the verdict came before the version was processed or after. */
const decisionOf = ({ kind, infected }: ImageState) => (infected === true ? 'rejected' : decisions[kind]);

/**
 * The highest sequencer wins. An erased version leaves a tombstone if it was recorded before the erasure; otherwise it
 * leaves nothing, and the version before it counts.
 */
export function possibleEndings(states: readonly ImageState[]): readonly (Ending | undefined)[] {
  const newestFirst = states.toReversed();
  const last = newestFirst.findIndex(({ erasedAt }) => erasedAt === undefined);
  const possible = last < 0 ? newestFirst : newestFirst.slice(0, last + 1);
  const endings = possible.map((state) => ({
    outcome: state.erasedAt === undefined ? decisionOf(state) : 'deleted',
    sequencer: padSequencer(state.sequencer),
  }));
  return last < 0 ? [...endings, undefined] : endings;
}

/** The keys of a photo's renditions, one per preset that applies, regardless of which worker makes it. */
export function renditionKeys(
  imageId: string,
  sequencer: string,
  groups: readonly RenditionGroup[],
): readonly string[] {
  const presets = groups.flatMap((group) => presetsFor(header, group.presets));
  return presets.map((preset) => renditionKey(imageId, sequencer, preset));
}

/** Whether a version can be described, and this claim is of it. */
export function isDescribedBy(
  { kind, versionId, etag, occurredAt }: ImageState,
  claim: { readonly version: string; readonly occurredAt: string },
): boolean {
  const isReadable = kind === 'photo' || kind === 'deadly';
  return isReadable && claim.version === (versionId ?? etag) && claim.occurredAt === occurredAt;
}

/** Whether a record or event is true of a version. An erasure may have the time of the upload, if the upload detects it. */
export function isTrueOf(
  { kind, versionId, etag, occurredAt, erasedAt, infected }: ImageState,
  claim: { readonly outcome: string; readonly version: string; readonly occurredAt: string },
): boolean {
  const isErasure = kind !== 'deletion' && claim.outcome === 'deleted' && erasedAt !== undefined;
  const isFailure = kind !== 'deletion' && claim.outcome === 'failed';
  // Until the verdict arrives, an infected photo is processed.
  const isVerdict = infected === true && claim.outcome === 'rejected';
  return (
    (claim.outcome === decisions[kind] || isErasure || isFailure || isVerdict) &&
    claim.version === (kind === 'deletion' ? 'none' : (versionId ?? etag)) &&
    (claim.occurredAt === occurredAt || (isErasure && claim.occurredAt === erasedAt))
  );
}

const meanings: Readonly<Record<string, { readonly outcome: string; readonly rank: number }>> = {
  ImageFailed: { outcome: 'failed', rank: 0 },
  ImageProcessed: { outcome: 'processed', rank: 1 },
  ImageRejected: { outcome: 'rejected', rank: 2 },
  ImageDeleted: { outcome: 'deleted', rank: 3 },
};
export const meaningOf = (detailType: string) => meanings[detailType] ?? { outcome: detailType, rank: -1 };

/** What a consumer concludes that follows the two rules of docs/events/README.md and receives the events in this order. */
export function consume(events: readonly DomainEvent[]): Ending | undefined {
  const seen = new Set<string>();
  let known: (Ending & { readonly rank: number }) | undefined;
  for (const { DetailType, Detail } of events) {
    if (seen.has(Detail.id)) continue;
    seen.add(Detail.id);
    const { sequencer } = Detail.image;
    const { outcome, rank } = meaningOf(DetailType);
    if (!known || known.sequencer < sequencer || (known.sequencer === sequencer && known.rank < rank)) {
      known = { outcome, sequencer, rank };
    }
  }
  return known;
}
