/** How an upload ends. Expected ends are data; only the unexpected throws, and a throw means "try again". */
export const decidedOutcomes = ['processed', 'rejected', 'superseded', 'vanished', 'deleted'] as const;
export type DecidedOutcome = (typeof decidedOutcomes)[number];
export type Outcome = DecidedOutcome | 'failed';

/** Why an upload cannot become renditions. A closed list: consumers may switch over it. */
export const rejectionReasons = [
  'empty',
  'too-many-bytes',
  'too-many-pixels',
  'too-many-frames',
  'unsupported-format',
  'corrupt',
] as const;
export type RejectionReason = (typeof rejectionReasons)[number];

export interface Rejection {
  readonly outcome: 'rejected';
  readonly reason: RejectionReason;
  /** One sentence for the person who uploaded it: what is wrong, and what would work. */
  readonly message: string;
}

/** The state that the event named is no longer there: replaced (`superseded`) or removed (`vanished`). */
export interface Missing {
  readonly outcome: 'superseded' | 'vanished';
}

export function rejected(reason: RejectionReason, message: string): Rejection {
  return { outcome: 'rejected', reason, message };
}
