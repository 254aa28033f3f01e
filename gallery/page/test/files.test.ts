import { describe, expect, it } from 'vitest';
import { type Entry, type FileEntry, type FolderEntry, filesOf } from '../source/files.ts';
import { isReadable } from '../source/send-file.ts';

const failure = () => new DOMException('It is not there any more.', 'NotFoundError');

/** As a browser passes what was dropped. */
const file = (name: string): FileEntry => ({
  ...{ name, isFile: true, isDirectory: false },
  file: (found) => found(new File(['x'], name)),
});
const lostFile = (name: string): FileEntry => ({
  ...file(name),
  file: (_, failed) => failed(failure()),
});
/** In parts, as browsers read them. */
const folder = (name: string, ...parts: readonly (readonly Entry[])[]): FolderEntry => ({
  ...{ name, isFile: false, isDirectory: true },
  createReader: () => {
    const left = [...parts];
    return { readEntries: (found) => found(left.shift() ?? []) };
  },
});
const lostFolder = (name: string, firstPart: readonly Entry[]): FolderEntry => ({
  ...folder(name),
  createReader: () => {
    const left = [firstPart];
    return {
      readEntries: (found, failed) => {
        const part = left.shift();
        if (part === undefined) failed(failure());
        else found(part);
      },
    };
  },
});

async function dropped(...entries: readonly Entry[]) {
  const items = entries.map((entry) => ({ kind: 'file', webkitGetAsEntry: () => entry }));
  const files = await filesOf({ items, files: [] });
  return Promise.all(files.map(async (one) => [one.name, (await isReadable(one)) ? 'readable' : 'not readable']));
}

describe('what is dropped', () => {
  it('can be folders in folders, of which hidden files are left out', async () => {
    const inner = folder('inner', [file('c.jpg')]);
    const outer = folder('outer', [file('a.jpg'), file('.DS_Store')], [file('b.jpg'), inner]);
    expect(await dropped(outer, file('d.jpg'), file('Thumbs.db'))).toEqual([
      ['a.jpg', 'readable'],
      ['b.jpg', 'readable'],
      ['c.jpg', 'readable'],
      ['d.jpg', 'readable'],
    ]);
  });

  it('can be a file that the browser cannot read: it has its place among the others', async () => {
    expect(
      await dropped(file('a.jpg'), lostFile('lost.jpg'), folder('folder', [lostFile('too.jpg'), file('b.jpg')])),
    ).toEqual([
      ['a.jpg', 'readable'],
      ['lost.jpg', 'not readable'],
      ['too.jpg', 'not readable'],
      ['b.jpg', 'readable'],
    ]);
  });

  it('can be a folder that the browser can read in part', async () => {
    expect(await dropped(lostFolder('lost', [file('a.jpg')]), file('b.jpg'))).toEqual([
      ['a.jpg', 'readable'],
      ['lost', 'not readable'],
      ['b.jpg', 'readable'],
    ]);
  });
});
