import { describe, expect, it } from 'vitest';
import { withGenerated } from '../generated-blocks.ts';

describe('a generated part of a page', () => {
  const page = 'Before\n<!-- generated: cost -->\nold\n<!-- end of generated: cost -->\nAfter\n';

  it('replaces only its own block', () => {
    const written = 'Before\n<!-- generated: cost -->\n\nnew\n\n<!-- end of generated: cost -->\nAfter\n';
    expect(withGenerated(page, { cost: 'new' })).toBe(written);
    expect(withGenerated(written, { cost: 'new' })).toBe(written);
  });

  it('is refused if the page has no block for it', () => {
    expect(() => withGenerated(page, { scale: 'new' })).toThrow('add the lines <!-- generated: scale -->');
  });
});
