import { dirname, join, relative } from 'node:path';
import { projectName } from '../../core/names.ts';

export const projectDirectory = dirname(dirname(import.meta.dirname));

/** Everything that the scripts create. Ignored by git, and safe to delete while no script is running. */
export const workDirectory = join(projectDirectory, `.${projectName}`);

export const logDirectory = join(workDirectory, 'logs');

/** Relative to where the command was typed, if the path is below that directory. */
export function shownPath(path: string): string {
  const short = relative(callerDirectory(), path);
  return short.startsWith('..') ? path : short || '.';
}

/** npm runs scripts in the project's directory, but users type paths relative to their own. */
export function callerDirectory(): string {
  return process.env['INIT_CWD'] ?? process.cwd();
}
