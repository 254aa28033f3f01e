import { padSequencer } from '../../core/image.ts';
import { presetsFor, renditionKey } from '../../core/rendition.ts';
import { exampleGroups } from '../support/example-presets.ts';
import { type Change, type DomainEvent, header } from './world.ts';

/** What the catalogue has to say in the end, told without queues, workflows or tables. */

export interface Ending {
  readonly outcome: string;
  readonly sequencer: string;
}

/** One state of an image, as S3 has it. */
export interface ImageState extends Change {
  readonly kind: Kind;
  /** When its version was removed for good; ISO 8601, UTC. */
  erasedAt?: string;
}
/** Of a cracked file the renditions can be made, and the description cannot. */
export const kinds = ['photo', 'torn', 'cracked', 'empty'] as const;
type Kind = (typeof kinds)[number] | 'deletion';

const decisions: Readonly<Record<Kind, string>> = {
  ...{ photo: 'processed', torn: 'rejected', cracked: 'rejected', empty: 'rejected', deletion: 'deleted' },
};

/**
 * The highest sequencer wins. Of a version that was erased it depends on who was faster: seen before, it leaves a
 * tombstone; never seen, it leaves nothing, and the state below it counts.
 */
export function possibleEndings(states: readonly ImageState[]): readonly (Ending | undefined)[] {
  const newestFirst = states.toReversed();
  const last = newestFirst.findIndex(({ erasedAt }) => erasedAt === undefined);
  const possible = last < 0 ? newestFirst : newestFirst.slice(0, last + 1);
  const endings = possible.map(({ kind, erasedAt, sequencer }) => ({
    outcome: erasedAt === undefined ? decisions[kind] : 'deleted',
    sequencer: padSequencer(sequencer),
  }));
  return last < 0 ? [...endings, undefined] : endings;
}

/** Where a photograph's renditions are: one for each preset that has something to give, whichever worker makes it. */
export function renditionKeys(imageId: string, sequencer: string): readonly string[] {
  const presets = exampleGroups.flatMap((group) => presetsFor(header, group.presets));
  return presets.map((preset) => renditionKey(imageId, sequencer, preset));
}

/** Whether a record or an event may say this of a state. An erasure may bear the time of the upload, if that finds it. */
export function isTrueOf(
  { kind, versionId, etag, occurredAt, erasedAt }: ImageState,
  told: { readonly outcome: string; readonly version: string; readonly occurredAt: string },
): boolean {
  const isErasure = kind !== 'deletion' && told.outcome === 'deleted' && erasedAt !== undefined;
  const isFailure = kind !== 'deletion' && told.outcome === 'failed';
  return (
    (told.outcome === decisions[kind] || isErasure || isFailure) &&
    told.version === (kind === 'deletion' ? 'none' : (versionId ?? etag)) &&
    (told.occurredAt === occurredAt || (isErasure && told.occurredAt === erasedAt))
  );
}

const meanings: Readonly<Record<string, { readonly outcome: string; readonly rank: number }>> = {
  ImageFailed: { outcome: 'failed', rank: 0 },
  ImageProcessed: { outcome: 'processed', rank: 1 },
  ImageRejected: { outcome: 'rejected', rank: 1 },
  ImageDeleted: { outcome: 'deleted', rank: 2 },
};
export const meaningOf = (detailType: string) => meanings[detailType] ?? { outcome: detailType, rank: -1 };

/** What a consumer believes that keeps the two rules of docs/events/README.md, and hears the events in this order. */
export function consume(events: readonly DomainEvent[]): Ending | undefined {
  const heard = new Set<string>();
  let known: (Ending & { readonly rank: number }) | undefined;
  for (const { DetailType, Detail } of events) {
    if (heard.has(Detail.id)) continue;
    heard.add(Detail.id);
    const { sequencer } = Detail.image;
    const { outcome, rank } = meaningOf(DetailType);
    if (!known || known.sequencer < sequencer || (known.sequencer === sequencer && known.rank < rank)) {
      known = { outcome, sequencer, rank };
    }
  }
  return known;
}
