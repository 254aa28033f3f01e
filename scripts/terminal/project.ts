import { dirname, join, relative } from 'node:path';
import { projectName } from '../../core/names.ts';

export const projectDirectory = dirname(dirname(import.meta.dirname));

/** Everything that the scripts make, ignored by git: safe to delete whenever nothing runs. */
export const workDirectory = join(projectDirectory, `.${projectName}`);

export const logDirectory = join(workDirectory, 'logs');

/** As short as it can be typed from where the command was given. */
export function shownPath(path: string): string {
  const short = relative(callerDirectory(), path);
  return short.startsWith('..') ? path : short || '.';
}

/** npm runs scripts in the project's directory; the paths that a person types are relative to their own. */
export function callerDirectory(): string {
  return process.env['INIT_CWD'] ?? process.cwd();
}
