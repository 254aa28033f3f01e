import { expect, it } from 'vitest';
import { plainText } from '../../scripts/terminal/markdown.ts';

it('Markdown reads as plain text in a terminal: no markup, and tables that fit', () => {
  const markdown = `## Cost

**$58** for a [million](https://example.com) photographs.

| service | US dollars for a million photographs | what for |
| --- | --- | --- |
| \`S3\` | **$30.80** | renditions, written once and read by nobody here |
`;
  expect(plainText(markdown, 50)).toBe(`Cost
────

$58 for a million photographs.

service  US dollars for a     what for
         million photographs
S3       $30.80               renditions, written
                              once and read by
                              nobody here`);
});
