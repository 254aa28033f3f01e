import { describeFileFailure } from './file-failure.ts';

/** An end that a person can do something about. The message is one or two sentences: what happened, and what to do. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

/** One sentence for a {@link Failure}, AWS's own for what AWS refuses, everything there is for a programming error. */
export function describeFailure(error: unknown): string {
  if (error instanceof Failure) return error.message;
  if (error instanceof Error && '$fault' in error) return `AWS refuses: ${error.message} (${error.name})`;
  return describeFileFailure(error) ?? (error instanceof Error ? (error.stack ?? error.message) : String(error));
}
