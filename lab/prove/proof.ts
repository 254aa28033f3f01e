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
  /** All that there is, where a section otherwise draws some of it. */
  readonly long: boolean;
  /** One sender floods the stack with hostile files. */
  readonly poison: boolean;
}
