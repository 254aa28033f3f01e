import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import { nonEmpty } from '../terminal/command.ts';
import { Failure } from '../terminal/failure.ts';
import { workDirectory } from '../terminal/project.ts';

/** Exists while `npm start` is running a stack. */
export const runningFile = join(workDirectory, 'running.json');

/** Of every command that acts on a stack. */
export const stackOption = new Option(
  '--stack <name>',
  'a stack in your AWS account instead of the one that npm start runs',
).argParser(nonEmpty);

/**
 * Call it before loading the AWS SDK, which takes longer than this answer.
 *
 * @throws {Failure} if no stack is named and none is running.
 */
export function requireStack(name: string | undefined): void {
  if (name === undefined && !existsSync(runningFile)) throw noStack();
}

export function noStack(): Failure {
  return new Failure(
    'No stack is running on this machine: run `npm start` in another terminal, or specify a stack in your account with --stack NAME.',
  );
}
