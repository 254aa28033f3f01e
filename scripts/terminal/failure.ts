import { describeFileFailure } from './file-failure.ts';

/** An error that the user can act on. The message is one or two sentences: what happened, and what to do. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

/** The message of a {@link Failure} or of an AWS error; the whole stack trace for a programming error. */
export function describeFailure(error: unknown): string {
  if (error instanceof Failure) return error.message;
  if (error instanceof Error && '$fault' in error) return `AWS rejected the request: ${error.message} (${error.name})`;
  return describeFileFailure(error) ?? (error instanceof Error ? (error.stack ?? error.message) : String(error));
}
