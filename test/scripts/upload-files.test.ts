import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filesOf } from '../../scripts/stack/upload-files.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'files-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const write = (...name: readonly (string | number)[]) =>
  writeFileSync(
    Buffer.concat([
      Buffer.from(`${directory}/`),
      ...name.map((part) => Buffer.from(typeof part === 'string' ? part : [part])),
    ]),
    'a picture',
  );

describe('given a directory, files that cannot be sent are skipped, each with what to do', () => {
  it.each([
    ['whose name is not UTF-8', ['caf', 0xe9, '.jpg'], /not UTF-8.*rename it/],
    ['with a control character in its name', ['Icon\r'], /control character.*rename it/],
  ])('%s', async (_, name, reason) => {
    write('cat.jpg');
    write(...name);
    const { files, skipped } = await filesOf([directory], { emulated: true });
    expect(files.map(({ key }) => key)).toEqual(['cat.jpg']);
    expect(skipped).toEqual([expect.stringMatching(reason)]);
  });

  it('an account takes control characters', async () => {
    write('Icon\r');
    expect(await filesOf([directory], { emulated: false })).toMatchObject({ files: [{ key: 'Icon\r' }], skipped: [] });
  });

  it('and if none is left, that is a failure', async () => {
    write('Icon\r');
    await expect(filesOf([directory], { emulated: true })).rejects.toThrow('control character');
  });
});

it('a file that was named is never skipped silently', async () => {
  write('Icon\r');
  write('cat.jpg');
  const named = ['Icon\r', 'cat.jpg'].map((name) => join(directory, name));
  await expect(filesOf(named, { emulated: true })).rejects.toThrow('control character');
});
