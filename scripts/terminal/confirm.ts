import { createInterface } from 'node:readline/promises';
import { Failure } from './failure.ts';

/**
 * Asks a yes-or-no question in the terminal; an aborted signal ends the wait. The question is not part of the output, which may
 * go to a file.
 *
 * @throws {Failure} without a terminal
 */
export async function confirm(question: string, signal?: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Failure('No terminal to prompt on: pass --yes to skip confirmation.');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} (y/N) `, signal === undefined ? {} : { signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
