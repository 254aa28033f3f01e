/** What each section of the evidence takes and returns. */
export interface Proof {
  readonly promise: string;
  readonly evidence: string;
  /** The evidence against the promise; absent if it holds. */
  readonly against?: string | undefined;
}
export interface ProofOptions {
  readonly seed: number;
  /** How many cases; each section has its own default. */
  readonly runs?: number | undefined;
  /** Run all cases, in sections that otherwise draw a sample. */
  readonly long: boolean;
  /** Draw mutated files no longer than that, and as long others. */
  readonly minutes?: number | undefined;
  /** Continue drawing where a run with the same seed stopped. */
  readonly resume: boolean;
  /** One sender floods the stack with hostile files. */
  readonly poison: boolean;
}
