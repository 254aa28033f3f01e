/** The outcome of a message that was moved back. */
import type { DecidedOutcome } from '../../core/outcome.ts';
import type { ImageRecord } from '../../core/record.ts';
import type { Forwarded } from '../stack/dead-letter-queue.ts';

export type Verdict = DecidedOutcome | 'failed again' | 'undecided';

export type Moved = Forwarded & {
  /** When the record's failure was recorded, if it had one before the move. */
  readonly failedAt: string | undefined;
};

export interface Evidence {
  /** The outcome in the dispatcher's idempotency table. */
  readonly decided: DecidedOutcome | undefined;
  readonly record: ImageRecord | undefined;
  /** Message ids and correlation ids seen in the dead-letter queue. */
  readonly dead: ReadonlySet<string>;
}

/** Does not use this machine's clock, which may be wrong. */
export function verdictOf(
  { event, newMessageId, failedAt }: Moved,
  { decided, record, dead }: Evidence,
): Exclude<Verdict, 'undecided'> | undefined {
  if (decided !== undefined) return decided;
  const sequencer = 'sequencer' in event.image ? event.image.sequencer : undefined;
  const failedAnew = record?.outcome === 'failed' && record.sequencer === sequencer && record.recordedAt !== failedAt;
  return failedAnew || dead.has(newMessageId ?? event.correlationId) ? 'failed again' : undefined;
}

export function failedAtOf(record: ImageRecord | undefined): string | undefined {
  return record?.outcome === 'failed' ? record.recordedAt : undefined;
}

/** "3 processed, 1 failed again", good outcomes first. */
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
  return verdict !== 'failed again' && verdict !== 'undecided';
}

const order = [
  'processed',
  'rejected',
  'deleted',
  'superseded',
  'vanished',
  'failed again',
  'undecided',
] as const satisfies readonly Verdict[];
