import { globSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { remark, resultLine } from '../../scripts/start/result-table.ts';
import { print, printError } from '../../scripts/terminal/print.ts';
import { printable } from '../../scripts/terminal/printable.ts';
import { plainTable } from '../../scripts/terminal/table.ts';

const setsTitleAndClears = '\u001B]0;pwned\u0007\u001B[2J\u001B[31mevil';
const turnsTheLine = 'photo\u202Egpj.exe';
const harmful = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const withoutBreaks = (text: string) => text.replaceAll('\n', '');

describe('text from outside', () => {
  it.each([
    ['a sequence that sets the title and clears the screen', setsTitleAndClears, '\\u001b]0;pwned'],
    ['the single character that begins such a sequence', 'a\u009B2Jb', 'a\\u009b2Jb'],
    ['a mark that turns the line', turnsTheLine, 'photo\\u202egpj.exe'],
    ['the Arabic letter mark', 'a\u061Cb', 'a\\u061cb'],
    ['separators of lines and paragraphs', 'a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
    ['a space without width', 'a\u200Bb', 'a\\u200bb'],
    ['a joiner that joins no emoji', 'a\u200Db', 'a\\u200db'],
    ['an invisible tag', 'a\u{E0041}b', 'a\\u{e0041}b'],
    ['a line break', 'a\nb', 'a\\u000ab'],
  ])('is shown with %s escaped', (_, text, shown) => {
    expect(printable(text)).toContain(shown);
    expect(printable(text)).not.toMatch(harmful);
  });

  it('keeps accents, ideographs and emoji', () => {
    expect(printable('Ångström 写真 📷.jpg')).toBe('Ångström 写真 📷.jpg');
  });
});

describe('the remark on an upload', () => {
  it('cannot reverse or break its line or control the terminal, through key or message', () => {
    const result = { file: '/a.jpg', key: `${turnsTheLine}\nnext`, bytes: 1, took: 1000, problem: setsTitleAndClears };
    expect(remark(result)).toHaveLength(1);
    expect(remark(result).join('')).not.toMatch(harmful);
    expect(withoutBreaks(resultLine(result))).not.toMatch(harmful);
  });
});

describe.each([
  ['print', print, process.stdout],
  ['printError', printError, process.stderr],
])('%s', (_, write, stream) => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('never writes control characters, even if the caller did not escape them', () => {
    const written = vi.spyOn(stream, 'write').mockReturnValue(true);
    write('Dead letters', `of ${setsTitleAndClears}`, turnsTheLine);
    const text = written.mock.calls.map(([chunk]) => String(chunk)).join('');
    expect(withoutBreaks(text)).not.toMatch(harmful);
    expect(text.split('\n')).toHaveLength(4);
  });
});

it('scripts write to the output with `print`, except what a program that they run writes, and to show the cursor again', () => {
  const files = globSync('scripts/**/*.ts').filter((file) => /stdout\.write\(/.test(readFileSync(file, 'utf8')));
  const terminal = ['command', 'print', 'progress'].map((name) => `scripts/terminal/${name}.ts`);
  expect(files.sort()).toEqual([...terminal, 'scripts/test/test.ts']);
});

it('a table measures and shows escaped text', () => {
  const table = plainTable(['Image', 'Correlation id'], [[turnsTheLine, setsTitleAndClears]], [], undefined);
  expect(withoutBreaks(table)).not.toMatch(harmful);
});
