import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { projectName } from '../../core/names.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';

/** A project with packages of its own, which are installed, and those of load-tests, which are not. */
let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'project-'));
  const nothing = JSON.stringify({ packages: {} });
  write('package-lock.json', nothing);
  write('node_modules/.package-lock.json', nothing);
  write('load-tests/package.json', '{}');
  write('load-tests/package-lock.json', JSON.stringify({ packages: { one: { version: '1.0.0' } } }));
  for (const script of ['scripts/test/test.ts', 'scripts/release/release.ts', 'load-tests/load.ts'])
    write(script, `console.log('${script}');`);
  mkdirSync(join(project, 'bin'));
  write('bin/npm', '#!/bin/sh\nexit 1\n');
  chmodSync(join(project, 'bin/npm'), 0o755);
  copyFileSync(join(projectDirectory, 'scripts/bootstrap.mjs'), join(project, 'scripts/bootstrap.mjs'));
  onTestFinished(() => rmSync(project, { recursive: true }));
});

it.each(['-h', '--help'])('npm test -- %s installs nothing for tests that it does not run', async (option) => {
  expect(await bootstrap('scripts/test/test.ts', option)).toEqual({ out: 'scripts/test/test.ts\n', error: '' });
});

it('npm test installs the packages of every folder that it tests', async () => {
  const { out, error } = await bootstrap('scripts/test/test.ts');
  expect(out).toBe('');
  expect(error).toContain('Installing the npm packages of load-tests/package-lock.json');
});

it('a command of load-tests installs its packages even for its help, which imports them', async () => {
  expect((await bootstrap('load-tests/load.ts', '--help')).error).toContain(
    'Installing the npm packages of load-tests',
  );
});

it('a release installs the packages of the application that it builds, and no others', async () => {
  const release = 'scripts/release/release.ts';
  expect(await bootstrap(release, 'build')).toEqual({ out: `${release}\n`, error: '' });
  expect((await bootstrap(release, 'build', '--application', 'load-tests')).error).toContain(
    'Installing the npm packages of load-tests',
  );
});

it('a command of a folder that a fork has deleted says so', async () => {
  expect(await bootstrap('lab/lab.ts', 'cost')).toEqual({
    out: '',
    error: 'This clone has no lab/, which this command needs.\n',
  });
});

it('a file that is where the folder of the logs should be is reported in one sentence', async () => {
  write(`.${projectName}`, '');
  const { error } = await bootstrap('scripts/test/test.ts');
  expect(error).toMatch(
    /^Installing.*\n.* needs a folder where there is a file: move that file away and run this again\.\n$/,
  );
});

function write(path: string, content: string): void {
  mkdirSync(dirname(join(project, path)), { recursive: true });
  writeFileSync(join(project, path), content);
}

function bootstrap(...args: readonly string[]): Promise<{ out: string; error: string }> {
  const { promise, resolve } = Promise.withResolvers<{ out: string; error: string }>();
  const env = { ...process.env, PATH: `${join(project, 'bin')}:${process.env['PATH']}` };
  execFile('node', ['scripts/bootstrap.mjs', ...args], { cwd: project, env }, (_, out, error) =>
    resolve({ out, error }),
  );
  return promise;
}
