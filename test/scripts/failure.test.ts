import { existsSync, mkdirSync, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { projectName } from '../../core/names.ts';
import { describeFailure } from '../../scripts/terminal/failure.ts';
import { makeFolder } from '../../scripts/terminal/make-folder.ts';

// The whole file system is read-only in this test.
vi.mock('node:fs', async (original) => ({
  ...(await original<typeof import('node:fs')>()),
  accessSync(path: string) {
    throw refused('EROFS', path);
  },
}));

const refused = (code: string, path?: string) =>
  Object.assign(new Error(`${code}: refused`), { code, syscall: 'open', ...(path === undefined ? {} : { path }) });

describe('a file where a folder is needed', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), `${projectName}-`));
    file = join(folder, 'notes.txt');
    await writeFile(file, '');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each([
    ['the folder itself', []],
    ['its parent', ['logs']],
    ['a parent of its parent', ['logs', 'today']],
  ])('is named, without a stack trace: %s', (_, below) => {
    const path = join(file, ...below);
    for (const make of [() => makeFolder(path), () => mkdirSync(path, { recursive: true })])
      expect(failureOf(make)).toBe(`${file} is a file, not a folder: move it, or use another folder.`);
  });

  it('is not confused with a folder that exists', () => {
    makeFolder(join(folder, 'one', 'two'));
    makeFolder(join(folder, 'one', 'two'));
    expect(existsSync(join(folder, 'one', 'two'))).toBe(true);
  });

  it.each([
    ['a folder where a file is needed', () => openSync(folder, 'w'), /is a folder, not a file/],
    ['a name that is too long', () => makeFolder(join(folder, 'long'.repeat(100))), /is too long for a file name/],
  ])('is reported as clearly as %s', (_, use, sentence) => {
    expect(failureOf(use)).toMatch(sentence);
  });
});

describe('AWS that cannot be reached', () => {
  const named = (name: string, message: string) => Object.assign(new Error(message), { name });

  it.each([
    ['no credentials', named('CredentialsProviderError', 'Could not load credentials from any providers')],
    ['no region', new Error('Region is missing')],
  ])('is reported in one sentence: %s', (_, error) => {
    expect(describeFailure(error)).toBe(
      `There is no access to AWS (${error.message}): check your AWS profile and region.`,
    );
  });

  it.each(['ECONNREFUSED', 'ENOTFOUND'])('is reported in one sentence: %s', (code) => {
    expect(describeFailure(refused(code))).toMatch(
      /^There is no connection \(.*\): check your network and region, .*\.$/,
    );
  });
});

function failureOf(use: () => unknown): string {
  try {
    use();
  } catch (error) {
    return describeFailure(error);
  }
  throw new Error('Nothing failed.');
}

describe('a file that cannot be written', () => {
  it.each([
    ['EROFS', /^\/p\/\.work cannot be written because its file system is read-only: use a writable folder/],
    ['EACCES', /^\/p\/\.work cannot be opened or written \(EACCES\).*sudo chown -R "\$\(id -un\)" '\/p'$/],
    ['EPERM', /another user/],
    ['ENOSPC', /^The disk is full: free some space/],
  ])('is reported in one sentence, without a stack trace: %s', (code, sentence) => {
    const described = describeFailure(refused(code, '/p/.work'));
    expect(described).toMatch(sentence);
    expect(described).not.toContain('\n');
  });

  it('is traced to a read-only parent if a folder cannot be created, because mkdir reports only that the parent is missing', () => {
    const error = Object.assign(refused('ENOENT', '/nowhere/.work/logs'), { syscall: 'mkdir' });
    expect(describeFailure(error)).toMatch(/^\/ cannot be written because its file system is read-only/);
  });

  it('is not confused with a refused connection', () => {
    expect(describeFailure(refused('EACCES'))).toContain('EACCES: refused');
  });
});
