/** Who sends what, and when, with and without a sender of poison: drawn from one seed. */
import fc from 'fast-check';

export const SENDERS = 20;
/** The sender of poison, in uploads of each other sender. */
export const TIMES_THE_RATE = 10;
/** Uploads of all other senders together, in a second. */
const PER_SECOND = 1.5;

export interface PlannedUpload {
  readonly key: string;
  readonly atMillis: number;
}

/** Keeps its worker busy until Lambda stops it, kills it, or requests excessive work, which is refused. */
export type PoisonKind = 'hangs' | 'kills' | 'heavy';
// Of ten. Killed processes start again, which takes the laptop's processor time: few.
const kinds: readonly PoisonKind[] = [
  'kills',
  'heavy',
  'hangs',
  'heavy',
  'hangs',
  'heavy',
  'hangs',
  'heavy',
  'hangs',
  'heavy',
];

export interface PoisonPlan {
  /** Of 19 senders, evenly spread; the same moments in both runs. */
  readonly others: readonly PlannedUpload[];
  readonly poison: readonly (PlannedUpload & { readonly kind: PoisonKind })[];
}

export function poisonPlan({ seed, uploads }: { readonly seed: number; readonly uploads: number }): PoisonPlan {
  const each = Math.max(1, Math.floor(uploads / (SENDERS - 1 + TIMES_THE_RATE)));
  const count = each * (SENDERS - 1);
  const lasts = (count / PER_SECOND) * 1000;
  const moments = (many: number, salt: number) =>
    fc
      .sample(fc.noBias(fc.integer({ min: 0, max: Math.floor(lasts) })), { seed: seed + salt, numRuns: many })
      .sort((one, other) => one - other);
  return {
    others: moments(count, 0).map((atMillis, index) => ({
      key: `sender-${1 + (index % (SENDERS - 1))}/${index}.png`,
      atMillis,
    })),
    poison: moments(Math.max(1, uploads - count), 1).map((atMillis, index) => ({
      // Padded, so that none is the beginning of another.
      key: `sender-of-poison/${String(index).padStart(5, '0')}`,
      atMillis,
      kind: kinds[index % kinds.length] ?? 'heavy',
    })),
  };
}
