import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { promisify } from 'node:util';
import { isolatedEnvironment } from '../../scripts/local/isolated-environment.ts';
import type { ForkedCopy } from './forked-copy.ts';
import type { Action, Step } from './recipe.ts';

export interface RecipeFailure {
  readonly step: string;
  readonly what: string;
  readonly output: string;
}

interface Options {
  /** Also run what takes minutes: the whole suite. */
  readonly long: boolean;
  /** Directories of executables that a reader has on PATH. */
  readonly tools: readonly string[];
}

/** Follows a recipe in a copy, step by step, and stops at the first action that does not do what the page says. */
export async function runRecipe(
  copy: ForkedCopy,
  steps: readonly Step[],
  options: Options,
): Promise<RecipeFailure | undefined> {
  for (const step of steps) {
    for (const action of step.actions) {
      const failure = await perform(copy, action, options);
      if (failure !== undefined) return { step: step.title, ...failure };
    }
  }
  return undefined;
}

/** Only what the steps edit: whether every diff still applies, one after another. */
export function edits(steps: readonly Step[]): readonly Step[] {
  return steps.map((step) => ({
    ...step,
    actions: step.actions.filter(isEdit),
  }));
}

function isEdit(action: Action): boolean {
  return action.kind === 'diff' || action.kind === 'file' || action.command.startsWith('git apply ');
}

async function perform(
  copy: ForkedCopy,
  action: Action,
  { long, tools }: Options,
): Promise<Omit<RecipeFailure, 'step'> | undefined> {
  switch (action.kind) {
    case 'file':
      await copy.write(action.path, action.content);
      return undefined;
    case 'diff': {
      await copy.write(PATCH, action.patch);
      const { failed, output } = await shell(copy, tools, `git apply --recount ${PATCH} && rm ${PATCH}`);
      return failed ? { what: `The diff of ${action.paths.join(', ')} does not apply.`, output } : undefined;
    }
    case 'run': {
      if (action.long && !long) return undefined;
      const { failed, output } = await shell(copy, tools, action.command);
      return failed ? { what: `\`${action.command}\` failed.`, output } : undefined;
    }
    case 'fails': {
      const { failed, output } = await shell(copy, tools, action.command);
      if (!failed) return { what: `\`${action.command}\` should have failed.`, output };
      if (!output.includes(action.text))
        return { what: `\`${action.command}\` failed without saying "${action.text}".`, output };
      return undefined;
    }
  }
}

const PATCH = '.recipe.patch';

interface Ended {
  readonly failed: boolean;
  readonly output: string;
}

async function shell({ directory }: ForkedCopy, tools: readonly string[], command: string): Promise<Ended> {
  const options = { cwd: directory, env: environment(tools), maxBuffer: 64 * 1024 * 1024 };
  return promisify(execFile)('bash', ['-euo', 'pipefail', '-c', command], options).then(
    ({ stdout, stderr }) => ({ failed: false, output: stdout + stderr }),
    (error: Error & { readonly stdout?: string; readonly stderr?: string }) => ({
      failed: true,
      output: `${error.stdout ?? ''}${error.stderr ?? error.message}`,
    }),
  );
}

/** Without the user's AWS accounts, and with an author for commits. npm passes on where it was called. */
function environment(tools: readonly string[]): NodeJS.ProcessEnv {
  const { INIT_CWD: _, ...inherited } = isolatedEnvironment();
  const author = { GIT_AUTHOR_NAME: 'A fork', GIT_AUTHOR_EMAIL: 'fork@example.com' };
  const committer = { GIT_COMMITTER_NAME: 'A fork', GIT_COMMITTER_EMAIL: 'fork@example.com' };
  const path = [inherited['PATH'], ...tools].join(delimiter);
  return { ...inherited, ...author, ...committer, NO_COLOR: '1', PATH: path };
}
