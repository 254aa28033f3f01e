import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
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
  readonly onAction?: (step: Step, action: Action) => void;
}

/** Follows a recipe in a copy, step by step, and stops at the first action that does not do what the page says. */
export async function runRecipe(
  copy: ForkedCopy,
  steps: readonly Step[],
  { long, onAction }: Options,
): Promise<RecipeFailure | undefined> {
  for (const step of steps) {
    for (const action of step.actions) {
      onAction?.(step, action);
      const failure = await perform(copy, action, long);
      if (failure !== undefined) return { step: step.title, ...failure };
    }
  }
  return undefined;
}

/** Only what the steps edit: whether every diff still applies, one after another. Takes a second. */
export function edits(steps: readonly Step[]): readonly Step[] {
  return steps.map((step) => ({
    ...step,
    actions: step.actions.filter(({ kind }) => kind === 'diff' || kind === 'file'),
  }));
}

async function perform(
  copy: ForkedCopy,
  action: Action,
  long: boolean,
): Promise<Omit<RecipeFailure, 'step'> | undefined> {
  switch (action.kind) {
    case 'file':
      await copy.write(action.path, action.content);
      return undefined;
    case 'diff': {
      await copy.write(PATCH, action.patch);
      const { failed, output } = await shell(copy, `git apply --recount ${PATCH} && rm ${PATCH}`);
      return failed ? { what: `The diff of ${action.paths.join(', ')} does not apply.`, output } : undefined;
    }
    case 'run': {
      if (action.long && !long) return undefined;
      const { failed, output } = await shell(copy, action.command);
      return failed ? { what: `\`${action.command}\` failed.`, output } : undefined;
    }
    case 'fails': {
      const { failed, output } = await shell(copy, action.command);
      if (!failed) return { what: `\`${action.command}\` should have failed.`, output };
      if (!output.includes(action.text))
        return { what: `\`${action.command}\` failed without saying "${action.text}".`, output };
      return undefined;
    }
  }
}

const PATCH = '.recipe.patch';

async function shell(
  copy: ForkedCopy,
  command: string,
): Promise<{ readonly failed: boolean; readonly output: string }> {
  const options = { cwd: copy.directory, env: environment(), maxBuffer: 64 * 1024 * 1024 };
  return promisify(execFile)('bash', ['-euo', 'pipefail', '-c', command], options).then(
    ({ stdout, stderr }) => ({ failed: false, output: stdout + stderr }),
    (error: Error & { readonly stdout?: string; readonly stderr?: string }) => ({
      failed: true,
      output: `${error.stdout ?? ''}${error.stderr ?? error.message}`,
    }),
  );
}

/** Commits need an author, and npm passes on where it was called. */
function environment(): NodeJS.ProcessEnv {
  const { INIT_CWD: _, ...inherited } = process.env;
  return {
    ...inherited,
    NO_COLOR: '1',
    ...{ GIT_AUTHOR_NAME: 'A fork', GIT_AUTHOR_EMAIL: 'fork@example.com' },
    ...{ GIT_COMMITTER_NAME: 'A fork', GIT_COMMITTER_EMAIL: 'fork@example.com' },
  };
}
