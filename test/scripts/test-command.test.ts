import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectDirectory } from '../../scripts/terminal/project.ts';

it.each([
  ['a name that no test file has', ['no-such-file'], 'No test file has no-such-file in its path.'],
  ['one such name among others', ['presets', 'no-such-file:12'], 'No test file has no-such-file:12 in its path.'],
  ['an option that Vitest does not have', ['--unknown-option'], 'Unknown option --unknown-option.'],
])('npm test answers %s in one sentence', async (_, args, sentence) => {
  expect(await npmTest(...args)).toEqual({
    code: 1,
    out: '',
    error: `${sentence}\nFor help: npm test -- --help\n`,
  });
});

it('npm test takes part of a path and an absolute path', async () => {
  const absolute = join(projectDirectory, 'test/core/retry-delay.test.ts');
  expect(await npmTest('core/image.test', absolute)).toMatchObject({ code: 0, error: '' });
});

function npmTest(...args: readonly string[]): Promise<{ code: unknown; out: string; error: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: unknown; out: string; error: string }>();
  execFile('node', ['scripts/test/test.ts', ...args], { cwd: projectDirectory }, (failure, out, error) => {
    resolve({ code: failure?.code ?? 0, out, error });
  });
  return promise;
}
