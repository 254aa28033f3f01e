import { padSequencer } from '../../core/image.ts';
import type { Change, DomainEvent } from './world.ts';

/** What the catalogue has to say in the end, told without queues, workflows or tables. */

export interface Ending {
  readonly outcome: string;
  readonly sequencer: string;
}

/** One state of an image, as S3 has it. */
export interface ImageState extends Change {
  readonly kind: Kind;
  /** Its version has been removed for good. */
  erased: boolean;
}
/** Of a cracked file the renditions can be made, and the description cannot. */
export const kinds = ['photo', 'torn', 'cracked', 'empty'] as const;
type Kind = (typeof kinds)[number] | 'deletion';

/**
 * The highest sequencer wins. Of a version that was erased it depends on who was faster: seen before, it leaves a
 * tombstone; never seen, it leaves nothing, and the state below it counts.
 */
export function possibleEndings(states: readonly ImageState[]): readonly (Ending | undefined)[] {
  const newestFirst = states.map((state) => ({ ...state, sequencer: padSequencer(state.sequencer) })).toReversed();
  const last = newestFirst.findIndex(({ erased }) => !erased);
  const possible = last < 0 ? newestFirst : newestFirst.slice(0, last + 1);
  const endings = possible.map(({ kind, erased, sequencer }) => ({
    outcome: erased || kind === 'deletion' ? 'deleted' : kind === 'photo' ? 'processed' : 'rejected',
    sequencer,
  }));
  return last < 0 ? [...endings, undefined] : endings;
}

const rankOf: Readonly<Record<string, number>> = {
  ImageFailed: 0,
  ImageProcessed: 1,
  ImageRejected: 1,
  ImageDeleted: 2,
};
const outcomeOf: Readonly<Record<string, string>> = {
  ...{ ImageFailed: 'failed', ImageProcessed: 'processed', ImageRejected: 'rejected', ImageDeleted: 'deleted' },
};

/** A consumer that follows docs/events: drops doubles by id, orders by sequencer, and of equal ones believes the last word. */
export function consume(events: readonly DomainEvent[]): Ending | undefined {
  const [last] = events
    .map(({ DetailType, Detail }) => ({
      rank: rankOf[DetailType] ?? -1,
      DetailType,
      sequencer: Detail.image.sequencer,
    }))
    .sort((left, right) =>
      left.sequencer < right.sequencer ? 1 : left.sequencer > right.sequencer ? -1 : right.rank - left.rank,
    );
  return last && { outcome: outcomeOf[last.DetailType] ?? last.DetailType, sequencer: last.sequencer };
}
