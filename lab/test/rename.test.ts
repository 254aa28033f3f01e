import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventSource, metricNamespace, projectName, projectTitle } from '../../core/names.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';

/** `npm run rename` on a copy of the project. */

let copy: string;
const run = (command: string, ...args: readonly string[]) =>
  execFileSync(command, args, { cwd: copy, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const rename = (...args: readonly string[]) => run(process.execPath, 'scripts/rename/rename.ts', ...args);
const filesOf = (directory: string) =>
  execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: directory,
    encoding: 'utf8',
  })
    .split('\0')
    .filter((path) => lstatSync(join(directory, path), { throwIfNoEntry: false })?.isFile());

// An unused name, as long as the current one, so that line breaks stay the same.
const otherName = `r${createHash('sha256').update(projectName).digest('hex')}`.slice(0, projectName.length);

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'rename-'));
  for (const path of filesOf(projectDirectory)) cpSync(join(projectDirectory, path), join(copy, path));
  symlinkSync(join(projectDirectory, 'node_modules'), join(copy, 'node_modules'));
  run('git', 'init', '--quiet');
  // Files that the project's own repository has need not be stored again.
  const objects = ['rev-parse', '--path-format=absolute', '--git-path', 'objects'];
  const stored = execFileSync('git', objects, { cwd: projectDirectory, encoding: 'utf8' });
  writeFileSync(join(copy, '.git', 'objects', 'info', 'alternates'), stored);
  run('git', 'add', '--all');
  run('git', '-c', 'user.name=A', '-c', 'user.email=a@example.com', 'commit', '--quiet', '--message', 'As it is');
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

it('with --dry-run, lists the changes and makes none', () => {
  expect(rename(otherName, '--dry-run')).toMatch(/^core\/names\.ts +\d+$/m);
  expect(run('git', 'status', '--porcelain')).toBe('');
});

it('leaves the old name only in the license and the changelog', () => {
  rename(otherName, '--source', `acme.${otherName}`);
  const spelled = new RegExp(projectName, 'i');
  const left = filesOf(copy).filter(
    (path) => spelled.test(path) || spelled.test(readFileSync(join(copy, path), 'utf8')),
  );
  expect(left.filter((path) => !['CHANGELOG.md', 'LICENSE'].includes(path))).toEqual([]);
});

it('keeps names, sample events with their hashes, and published schemas consistent', () => {
  const tests = ['template/names', 'functions/events', 'adapters/domain-events'].map((name) => `test/${name}.test.ts`);
  expect(run('vitest', 'run', '--project', 'unit', '--maxWorkers', '1', ...tests)).toContain('3 passed');
});

it('refuses to run with uncommitted changes', () => {
  expect(() => rename(projectName)).toThrow('uncommitted changes');
});

it('can be reversed, byte for byte', () => {
  const names = ['--title', projectTitle, '--source', eventSource, '--namespace', metricNamespace];
  rename(projectName, ...names, '--yes');
  expect(run('git', 'status', '--porcelain')).toBe('');
});
