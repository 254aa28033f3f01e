import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { projectDirectory } from '../../scripts/terminal/project.ts';
import { recipeSteps } from '../fork/recipe.ts';
import { recipePages, stepsOf } from '../fork/recipes.ts';

/**
 * Finds errors in a recipe without executing it. `npm run lab -- recipes` shows that each diff applies and each check turns
 * green; a unit test could not, because it would fail in a fork that has followed a recipe.
 */

const inProject = (path: string) => join(projectDirectory, path);
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(inProject('package.json'), 'utf8')));

describe.each(recipePages)('docs/recipes/%s.md', (page) => {
  const steps = stepsOf(page);
  const actions = steps.flatMap((step) => step.actions);
  const commands = actions.flatMap((action) => ('command' in action ? action.command.split('\n') : []));

  it('has steps, and each ends with a check', () => {
    expect(steps.length).toBeGreaterThan(1);
    const unchecked = steps.filter(({ actions: own }) => !['run', 'fails'].includes(own.at(-1)?.kind ?? ''));
    expect(unchecked.map(({ title }) => title)).toEqual([]);
  });

  it('edits only files that exist or that an earlier step creates', () => {
    const written = actions.flatMap((action) => (action.kind === 'file' ? action.path : []));
    const edited = actions.flatMap((action) => (action.kind === 'diff' ? action.paths : []));
    expect(edited.filter((path) => !written.includes(path) && !existsSync(inProject(path)))).toEqual([]);
  });

  it('runs only npm scripts that exist', () => {
    const named = commands.flatMap((command) => [...command.matchAll(/\bnpm run ([\w:-]+)/g)]).map(([, name]) => name);
    expect(named.filter((name) => name === undefined || !(name in scripts))).toEqual([]);
  });

  it('names only tests that exist or that an earlier step creates', () => {
    const written = actions.flatMap((action) => (action.kind === 'file' ? action.path : []));
    const named = commands
      .flatMap((command) => /^npm run test:unit -- (.*)$/.exec(command)?.[1]?.split(' ') ?? [])
      .filter((path) => !written.some((one) => one.startsWith(path)));
    expect(named.filter((path) => !existsSync(inProject(path)))).toEqual([]);
  });
});

it('the index lists every recipe', () => {
  const index = readFileSync(inProject('docs/recipes/README.md'), 'utf8');
  expect(recipePages.filter((page) => !index.includes(`(${page}.md)`))).toEqual([]);
});

describe('a code block', () => {
  const block = (info: string, text: string) => recipeSteps(`1. Do it.\n\n   \`\`\`${info}\n   ${text}\n   \`\`\`\n`);

  it.each([
    ['diff', '--- a/core/presets.ts', [{ kind: 'diff', patch: '--- a/core/presets.ts\n', paths: ['core/presets.ts'] }]],
    ['ts file=core/a.ts', 'a();', [{ kind: 'file', path: 'core/a.ts', content: 'a();\n' }]],
    ['sh run', 'npm test', [{ kind: 'run', command: 'npm test', long: false }]],
    ['sh run long', 'npm test', [{ kind: 'run', command: 'npm test', long: true }]],
    ['sh fails="on purpose"', 'npm test', [{ kind: 'fails', command: 'npm test', text: 'on purpose' }]],
    ['sh', 'sam deploy', []],
  ])('%s', (info, text, actions) => {
    expect(block(info, text)).toEqual([{ title: 'Do it.', actions }]);
  });

  it('of an unknown kind is refused, so that no misspelled check is skipped', () => {
    expect(() => block('sh rum', 'npm test')).toThrow('A code block says "sh rum"');
  });
});
