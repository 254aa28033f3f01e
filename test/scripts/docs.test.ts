import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generatedDocuments } from '../../scripts/docs/docs.ts';
import { withGenerated } from '../../scripts/docs/generated-blocks.ts';

const root = new URL('../../', import.meta.url);

describe('the generated documents', () => {
  it.each([...generatedDocuments()])('%s is up to date: else run npm run docs', (path, content) => {
    const file = new URL(path, root);
    expect(existsSync(file) && readFileSync(file, 'utf8')).toBe(content);
  });
});

describe('a generated part of a page', () => {
  const page = 'Before\n<!-- generated: cost -->\nold\n<!-- end of generated: cost -->\nAfter\n';

  it('replaces what was there, and nothing else', () => {
    const written = 'Before\n<!-- generated: cost -->\n\nnew\n\n<!-- end of generated: cost -->\nAfter\n';
    expect(withGenerated(page, { cost: 'new' })).toBe(written);
    expect(withGenerated(written, { cost: 'new' })).toBe(written);
  });

  it('is refused where the page has no place for it', () => {
    expect(() => withGenerated(page, { scale: 'new' })).toThrow('add the lines <!-- generated: scale -->');
  });
});
