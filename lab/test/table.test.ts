import { expect, it } from 'vitest';
import { table } from '../table.ts';

it('a table aligns columns of numbers to the right, and words to the left', () => {
  const rows = [
    ['**all**', '**$58.21**', '110 %', '0.2 per million', '5 transitions/s', 'stays empty'],
    ['S3', '–', '1,100 %', '10', '40,000 write units/s', '2 of 3'],
  ];
  const [, delimiters] = table(['service', 'US$', 'share', 'price', 'quota', 'queue'], rows).split('\n');
  expect(delimiters).toBe('| - | -: | -: | -: | -: | - |');
});

it('a table without rows aligns nothing', () => {
  expect(table(['service'], [])).toBe('| service |\n| - |');
});
