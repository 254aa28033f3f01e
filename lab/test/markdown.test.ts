import { expect, it } from 'vitest';
import { plainText } from '../markdown.ts';

it('Markdown is printed in a terminal without markup, with tables that fit', () => {
  const markdown = `## Cost

**$58** per [million](https://example.com) photos.

| service | US dollars per million photos | used for |
| --- | --- | --- |
| \`S3\` | **$30.80** | renditions, written once and not read by the pipeline |
`;
  expect(plainText(markdown, 50)).toBe(`Cost
────

$58 per million photos.

service  US dollars per  used for
         million photos
S3       $30.80          renditions, written
                         once and not read by
                         the pipeline`);
});

it('Markdown that goes to a file or another program is at most 100 columns wide', () => {
  const cell = 'words that are many '.repeat(20);
  const lines = plainText(`${cell}\n\n| a | b |\n| - | - |\n| ${cell} | ${cell} |`).split('\n');
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(100);
});
