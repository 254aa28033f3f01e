import { existsSync, readFileSync } from 'node:fs';
import { marked } from 'marked';
import { describe, expect, it } from 'vitest';
import { stages, templateFor } from '../../scripts/template.ts';

/** docs/practices.md says of each practice where it is and which test fails without it. Here it is held to that. */

const projectFile = (path: string) => new URL(`../../${path}`, import.meta.url);
const read = (path: string) => readFileSync(projectFile(path), 'utf8');

const tables = marked.lexer(read('docs/practices.md')).filter((token) => token.type === 'table');
const rows = tables.flatMap((table) =>
  'rows' in table ? table.rows.map((cells: { text: string }[]) => cells.map(({ text }) => text)) : [],
);
const code = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
const withEverything = { SigningProfileVersionArn: 'arn:aws:signer:us-east-1:111122223333:/signing-profiles/any/1' };
const logicalIds = new Set(stages.flatMap((stage) => [...templateFor(stage, withEverything).resources.keys()]));
const isPath = (text: string) => /^[\w.-]+(\/|\.\w+$)/.test(text);
/** `test file` “title” “title” `test file` “title”: the titles of each file, as they stand in its source. */
const titlesByFile = (cell: string) =>
  [...cell.matchAll(/`([^`]+)`([^`]*)/g)].map(([, file = '', text = '']) => ({
    file,
    titles: [...text.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title),
  }));

describe.each(rows)('%s', (practice, where = '', number = '', tests = '') => {
  it('is where the table says', () => {
    const named = code(where);
    expect(named.length, `${practice} names no file and no logical id`).toBeGreaterThan(0);
    for (const name of named) {
      const there = isPath(name) ? existsSync(projectFile(name)) : logicalIds.has(name);
      expect(there, `${name} of ${practice}`).toBe(true);
    }
  });

  it('gives its reason', () => {
    expect(number.length).toBeGreaterThan(20);
  });

  it('fails these tests when it is taken away', () => {
    const named = titlesByFile(tests);
    expect(named.length, `${practice} names no test`).toBeGreaterThan(0);
    for (const { file, titles } of named) {
      expect(existsSync(projectFile(file)), `${file} of ${practice}`).toBe(true);
      expect(titles.length, `${practice} names no test of ${file}`).toBeGreaterThan(0);
      for (const title of titles) expect(read(file), practice).toContain(title);
    }
  });
});

it('has a practice a row', () => {
  expect(rows.length).toBeGreaterThan(35);
});
