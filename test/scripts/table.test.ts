import { describe, expect, it } from 'vitest';
import type { UploadResult } from '../../scripts/stack/send-uploads.ts';
import { resultTable } from '../../scripts/start/result-table.ts';
import { wrapped } from '../../scripts/terminal/print.ts';
import { plainTable } from '../../scripts/terminal/table.ts';

const head = ['Image', 'Outcome', 'Size', 'Renditions', 'Time'];
const rows = [
  ['holiday/mountain-lake.jpg', 'processed', '4032 × 3024, 2.14 MB', '6, 489 kB', '1.2 s'],
  ['a-name-that-is-much-too-long-for-one-column-of-any-narrow-terminal.jpg', 'rejected', '8 B', '–', '0.3 s'],
];

describe('a table', () => {
  it('is as wide as its content if no terminal limits it', () => {
    const [first = '', second = ''] = plainTable(head, rows, [], undefined).split('\n');
    expect(first).toMatch(/^Image {2,}Outcome {2,}Size {2,}Renditions {2,}Time$/);
    expect(second).toContain('4032 × 3024, 2.14 MB');
  });

  it.each([60, 80])('fits a terminal of %i columns, and breaks between words', (columns) => {
    const lines = plainTable(head, rows, [], columns).split('\n');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    const words = lines.join(' ').split(/ +/);
    for (const word of ['processed', 'rejected', '4032', '3024,', '2.14', 'MB', '489', 'kB', 'Renditions'])
      expect(words).toContain(word);
  });

  it('breaks a word only if it is longer than its column, without losing a letter', () => {
    const letters = plainTable(['Name'], [['unbreakable'.repeat(9)]], [], 30).replaceAll(/\s/g, '');
    expect(letters).toBe(`Name${'unbreakable'.repeat(9)}`);
  });
});

describe('the results of npm start', () => {
  const result = (key: string): UploadResult => ({ file: `/a/${key}`, key, bytes: 2_140_000, took: 6100 });
  const results = [result('holiday-mountain-lake-in-the-morning.jpg'), result('dog.jpg')];

  it('are a table if the terminal is wide enough', () => {
    expect(resultTable(results, 80)).toMatch(
      /^Image +Outcome +Size +Renditions +Time\n.*2\.14 MB .* 6\.1 s\n.*6\.1 s$/,
    );
  });

  it.each([60, 40])('are two lines each, rather than a table with broken names, in %i columns', (columns) => {
    expect(resultTable(results, columns)).toBe(
      [
        'holiday-mountain-lake-in-the-morning.jpg',
        '  undecided  2.14 MB  –  6.1 s',
        'dog.jpg',
        '  undecided  2.14 MB  –  6.1 s',
      ].join('\n'),
    );
  });

  it('never separate a number from its unit', () => {
    expect(resultTable([result('dog.jpg')], 42)).toMatch(/ 6\.1 s$/);
  });
});

describe('a sentence', () => {
  const sentence = '  Every upload has an outcome.';

  it('is wrapped between words in a terminal, and not wrapped for other programs', () => {
    expect(wrapped(sentence, 14)).toBe('  Every upload\n  has an\n  outcome.');
    expect(wrapped(sentence, undefined)).toBe(sentence);
  });
});
