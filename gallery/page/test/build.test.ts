import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BuiltFile, buildPage } from '../build.ts';
import { backoff } from '../source/backoff.ts';

const BUDGET = 60_000;

let folder: string;
let files: readonly BuiltFile[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gallery-page-'));
  files = await buildPage(folder);
});
afterAll(() => rm(folder, { recursive: true }));

it('the whole page has less than 60 kB, compressed', () => {
  expect(files.reduce((sum, { compressed }) => sum + compressed, 0)).toBeLessThan(BUDGET);
});

it('what caches may keep forever has its hash in its name, and the document names it', async () => {
  const html = await readFile(join(folder, 'index.html'), 'utf8');
  const hashed = files.filter((file) => file.hashed).map(({ name }) => name);
  expect(hashed).toEqual([
    expect.stringMatching(/^page-[A-Z0-9]{8}\.js$/),
    expect.stringMatching(/^page-[A-Z0-9]{8}\.css$/),
  ]);
  for (const name of hashed) expect(html).toContain(`"${name}"`);
  expect(files.filter((file) => !file.hashed).map(({ name }) => name)).toEqual(['index.html', 'icon.svg']);
});

it('a second build leaves nothing of the first', async () => {
  await writeFile(join(folder, 'page-AAAAAAAA.js'), 'of an earlier build');
  await buildPage(folder);
  expect((await readdir(folder)).toSorted()).toEqual(files.map(({ name }) => name).toSorted());
});

it('the document has nothing that a strict Content-Security-Policy forbids', async () => {
  const html = await readFile(join(folder, 'index.html'), 'utf8');
  expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/);
});

it('nothing is loaded from elsewhere', async () => {
  for (const { name } of files) {
    const text = await readFile(join(folder, name), 'utf8');
    expect(text).not.toMatch(/(src|href)="?https?:|url\(["']?https?:|@import/);
  }
});

it('the wait between attempts grows up to half a minute, and is different for everyone', () => {
  expect([0, 1, 2, 3, 10].map((failures) => backoff(failures, () => 1))).toEqual([500, 1000, 2000, 4000, 30_000]);
  expect(backoff(10, () => 0)).toBe(0);
});
