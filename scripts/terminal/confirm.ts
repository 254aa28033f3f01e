import { createInterface } from 'node:readline/promises';
import { Failure } from './failure.ts';

/** Asks the person at the terminal. @throws {Failure} where there is none. */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new Failure('Nobody is at the terminal to be asked: add --yes to go on without a question.');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} (y/N) `)).trim());
  } finally {
    terminal.close();
  }
}
