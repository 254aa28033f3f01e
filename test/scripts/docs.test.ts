import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generatedDocuments } from '../../scripts/docs/docs.ts';

const root = new URL('../../', import.meta.url);

describe('the generated documents', () => {
  it.each([...generatedDocuments()])('%s is up to date (if not: npm run docs)', (path, content) => {
    const file = new URL(path, root);
    expect(existsSync(file) && readFileSync(file, 'utf8')).toBe(content);
  });
});
