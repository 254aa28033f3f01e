import { describe, expect, it, vi } from 'vitest';
import { describeFailure } from '../../scripts/terminal/failure.ts';

// All of this machine is read-only here.
vi.mock('node:fs', async (original) => ({
  ...(await original<typeof import('node:fs')>()),
  accessSync(path: string) {
    throw refused('EROFS', path);
  },
}));

const refused = (code: string, path?: string) =>
  Object.assign(new Error(`${code}: refused`), { code, syscall: 'open', ...(path === undefined ? {} : { path }) });

describe('a file that cannot be written', () => {
  it.each([
    ['EROFS', /^\/p\/\.work cannot be written, it is on a read-only file system: use a folder/],
    ['EACCES', /^\/p\/\.work cannot be opened or written \(EACCES\).*sudo chown -R "\$\(id -un\)" '\/p'$/],
    ['EPERM', /another user/],
    ['ENOSPC', /^The disk is full: make room/],
  ])('%s: is one sentence and no stack trace', (code, sentence) => {
    const described = describeFailure(refused(code, '/p/.work'));
    expect(described).toMatch(sentence);
    expect(described).not.toContain('\n');
  });

  it('is looked for among the parents of a folder that cannot be made: mkdir says only that they are not there', () => {
    const error = Object.assign(refused('ENOENT', '/nowhere/.work/logs'), { syscall: 'mkdir' });
    expect(describeFailure(error)).toMatch(/^\/ cannot be written, it is on a read-only file system/);
  });

  it('is not what a refused connection is taken for', () => {
    expect(describeFailure(refused('EACCES'))).toContain('EACCES: refused');
  });
});
