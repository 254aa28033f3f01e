/** How processing an upload ends. Expected outcomes are returned as data; only unexpected failures throw, to be retried. */
export const decidedOutcomes = ['processed', 'rejected', 'superseded', 'vanished', 'deleted'] as const;
export type DecidedOutcome = (typeof decidedOutcomes)[number];
export type Outcome = DecidedOutcome | 'failed';

/** Why an upload cannot be rendered. A closed list: consumers may switch on it. */
export const rejectionReasons = [
  'empty',
  'too-many-bytes',
  'too-many-pixels',
  'too-many-frames',
  'too-complex',
  'unsupported-format',
  'unreadable',
  'corrupt',
  'malware',
] as const;
export type RejectionReason = (typeof rejectionReasons)[number];

export interface Rejection {
  readonly outcome: 'rejected';
  readonly reason: RejectionReason;
  /** One or two sentences for the person who uploaded the file: what is wrong, and what would work. */
  readonly message: string;
}

/** The version that the event named no longer exists: it was replaced (`superseded`) or removed (`vanished`). */
export interface Missing {
  readonly outcome: 'superseded' | 'vanished';
}

export function rejected(reason: RejectionReason, message: string): Rejection {
  return { outcome: 'rejected', reason, message };
}
