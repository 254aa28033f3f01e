import { describe, expect, it, vi } from 'vitest';
import { describeFailure } from '../../scripts/terminal/failure.ts';

// The whole file system is read-only in this test.
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
