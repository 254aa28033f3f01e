/** Every change of a run, its result, and the sum that must hold: changes = decided + dead letters. */
import * as z from 'zod';
import { sizeClasses } from './plan.ts';

const outcomes = ['processed', 'rejected', 'superseded', 'deleted', 'failed'] as const;

export const change = z.object({
  /** Counts the run's changes, from 0. The changes of one key are made in this order, one after the other. */
  number: z.int(),
  user: z.int(),
  key: z.string(),
  kind: z.enum(['upload', 'delete']),
  /** Of an upload. */
  class: z.enum([...sizeClasses, 'corrupt']).optional(),
  bytes: z.int(),
  /** Epoch milliseconds: when its user arrived. Older results do not have it. */
  arrivedAt: z.number().optional(),
  /** Epoch milliseconds: when the request to S3 began; in the gallery, when the page has the file. */
  startedAt: z.number(),
  /** How long the request to S3 took; in the gallery, together with that for the ticket. */
  requestMillis: z.number(),
  /** How a record may identify this state: by version, or by etag if events carry no version. */
  names: z.array(z.string()),
  /** Why S3 refused it; if set, it is not one of the changes that must be decided. */
  problem: z.string().optional(),
  /** Epoch milliseconds: when the outcome was seen in the record; in the gallery, when the picture or the reason was shown. */
  decidedAt: z.number().optional(),
  /** Epoch milliseconds, in the gallery: when the window was told the outcome. */
  toldAt: z.number().optional(),
  /** Epoch milliseconds, in the gallery: when the pipeline published the outcome. */
  publishedAt: z.number().optional(),
  outcome: z.enum(outcomes).optional(),
});
export type Change = z.infer<typeof change>;

/** The ledger's file has two lines per change: one when S3 has answered, and one when the record has the outcome. */
export const ledgerLine = z.union([
  change,
  z.object({ number: z.int(), decidedAt: z.number(), outcome: z.enum(outcomes), toldAt: z.number().optional() }),
]);
export type LedgerLine = z.infer<typeof ledgerLine>;

export function readLedger(lines: readonly LedgerLine[]): Change[] {
  const changes = new Map<number, Change>();
  for (const line of lines) {
    if ('key' in line) changes.set(line.number, line);
    else {
      const sent = changes.get(line.number);
      if (sent !== undefined) changes.set(line.number, { ...sent, ...line });
    }
  }
  return [...changes.values()].sort((one, other) => one.number - other.number);
}

/** The parts of a record that matter here. */
export interface Decided {
  readonly version: string;
  readonly outcome: 'processed' | 'rejected' | 'deleted' | 'failed';
}

/**
 * The newest of a key's changes that its record refers to; all earlier ones are superseded. A tombstone does not show which
 * deletion wrote it, so it counts for the last one.
 */
export function decidedChange<Made extends Pick<Change, 'kind' | 'names'>>(
  made: readonly Made[],
  record: Decided,
): Made | undefined {
  return made.findLast(({ kind, names }) =>
    record.outcome === 'deleted' ? kind === 'delete' : names.includes(record.version),
  );
}

/** Images are processed, corrupt files rejected, deletions carried out; any change may be superseded by a newer one of its key. */
export function isExpected({ kind, class: imageClass, outcome }: Pick<Change, 'kind' | 'class' | 'outcome'>): boolean {
  if (outcome === 'superseded') return true;
  if (kind === 'delete') return outcome === 'deleted';
  return outcome === (imageClass === 'corrupt' ? 'rejected' : 'processed');
}

type NamedChange = Pick<Change, 'number' | 'key' | 'kind'>;

export interface Reconciliation {
  readonly sent: number;
  readonly decided: number;
  readonly deadLetters: number;
  /** Neither decided nor in a dead-letter queue, with no message left that could decide them: must be empty. */
  readonly lost: readonly NamedChange[];
  /** The same, while messages are still waiting or in progress, which may decide them. Must be empty too. */
  readonly notInTime: readonly NamedChange[];
}

/** A message of a dead-letter queue. */
export interface DeadLetter {
  readonly key: string;
  readonly kind: Change['kind'];
  readonly names: readonly string[];
}

/**
 * Compares the ledger with only the final records and dead letters, not with what users saw during the run.
 *
 * @param workLeft whether the queue was not empty when the run ended
 */
export function reconcile(
  changes: readonly Change[],
  records: ReadonlyMap<string, Decided>,
  deadLetters: readonly DeadLetter[],
  workLeft: boolean,
): Reconciliation {
  const sent = changes.filter(({ problem }) => problem === undefined);
  const dead = new Set<Change>();
  const open: NamedChange[] = [];
  for (const [key, made] of Map.groupBy(sent, (one) => one.key)) {
    const record = records.get(key);
    const last = record === undefined ? undefined : decidedChange(made, record);
    if (last !== undefined && record?.outcome === 'failed') dead.add(last);
    const decided = last?.number ?? -1;
    for (const one of made.filter(({ number }) => number > decided)) {
      if (deadLetters.some((letter) => isOf(letter, one))) dead.add(one);
      else open.push({ number: one.number, key: one.key, kind: one.kind });
    }
  }
  return {
    sent: sent.length,
    decided: sent.length - dead.size - open.length,
    deadLetters: dead.size,
    ...(workLeft ? { lost: [], notInTime: open } : { lost: open, notInTime: [] }),
  };
}

function isOf(letter: DeadLetter, { key, kind, names }: Change): boolean {
  return (
    letter.key === key &&
    letter.kind === kind &&
    (kind === 'delete' || letter.names.some((name) => names.includes(name)))
  );
}
