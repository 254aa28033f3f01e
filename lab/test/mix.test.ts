import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mixUploads } from '../bench/mix-uploads.ts';
import { pastCheckout } from '../bench/past-checkout.ts';

describe('the mix of uploads', () => {
  it('adds up to 100 %, and each share has a source', () => {
    const uploads = Object.values(mixUploads);
    expect(uploads.reduce((sum, { share }) => sum + share, 0)).toBe(100);
    for (const { source } of uploads) expect(source).not.toBe('');
  });
});

describe('the code of an earlier commit', () => {
  it('is complete enough to run its codec, and disappears afterwards', () => {
    const past = pastCheckout('HEAD');
    try {
      expect(readFileSync(join(past.directory, 'adapters/sharp/sharp-image-codec.ts'), 'utf8')).toContain('sharp');
      expect(existsSync(join(past.directory, 'node_modules/sharp'))).toBe(true);
    } finally {
      past.remove();
    }
    expect(existsSync(past.directory)).toBe(false);
  });

  it('is refused with a sentence if git does not know the commit', () => {
    expect(() => pastCheckout('no-such-commit')).toThrow('git does not know no-such-commit');
  });
});
