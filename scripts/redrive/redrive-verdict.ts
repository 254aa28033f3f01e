/** What became of a message that was moved back. */

import type { DecidedOutcome } from '../../core/outcome.ts';
import type { ImageRecord } from '../../core/record.ts';
import type { Forwarded } from '../stack/dead-letter-queue.ts';

export type Verdict = DecidedOutcome | 'died again' | 'undecided';

export type Moved = Forwarded & {
  /** When the failure was recorded that the record spoke of before the move. */
  readonly failedAt: string | undefined;
};

export interface Evidence {
  /** What the dispatcher remembers. */
  readonly decided: DecidedOutcome | undefined;
  readonly record: ImageRecord | undefined;
  /** The messages in the dead-letter queue, as many of them as could be seen: their ids, and their events' correlation ids. */
  readonly dead: ReadonlySet<string>;
}

/** Nothing is compared with this machine's clock, which may be wrong. */
export function verdictOf(
  { event, newMessageId, failedAt }: Moved,
  { decided, record, dead }: Evidence,
): Exclude<Verdict, 'undecided'> | undefined {
  if (decided !== undefined) return decided;
  const failedAnew =
    record?.outcome === 'failed' && record.sequencer === event.image.sequencer && record.recordedAt !== failedAt;
  return failedAnew || dead.has(newMessageId ?? event.correlationId) ? 'died again' : undefined;
}

export function failedAtOf(record: ImageRecord | undefined): string | undefined {
  return record?.outcome === 'failed' ? record.recordedAt : undefined;
}

/** "3 processed, 1 died again", the good ones first. */
export function totalsOf(verdicts: Iterable<Verdict>): string {
  const counts = Map.groupBy(verdicts, (verdict) => verdict);
  return order
    .flatMap((verdict) => {
      const count = counts.get(verdict)?.length;
      return count === undefined ? [] : [`${count} ${verdict}`];
    })
    .join(', ');
}

export function isGood(verdict: Verdict): boolean {
  return verdict !== 'died again' && verdict !== 'undecided';
}

const order = [
  'processed',
  'rejected',
  'deleted',
  'superseded',
  'vanished',
  'died again',
  'undecided',
] as const satisfies readonly Verdict[];
