import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bundleFunctions } from '../../scripts/template/bundle.ts';

// Zipped, about 5 % above what they are: a package that grows is to be noticed, and the budget raised on purpose. One that
// is not listed has what all may have. Bytes are the same on every machine; how long they take to load is not, so that is
// left to `npm run lab -- bench bundles`.
const budgets: Readonly<Record<string, number>> = {
  'check-release': 166_000,
  'dispatch-images': 118_000,
  'extract-metadata': 130_000,
  'probe-pipeline': 167_000,
  'remove-renditions': 120_000,
  'resize-image': 131_000,
};
// The promise of docs/decisions/0004.
const MOST_ZIPPED_BYTES = 200_000;

const bundles = await bundleFunctions();

describe.each(bundles)('the package of $name', ({ name, zippedBytes, contributors }) => {
  it('keeps its budget, which is smaller than 200 kB', () => {
    const largest = [...contributors].slice(0, 5).map(([part, bytes]) => `${part} ${bytes}`);
    expect(zippedBytes, `largest parts: ${largest.join(', ')}`).toBeLessThan(budgets[name] ?? MOST_ZIPPED_BYTES);
    expect(budgets[name] ?? 0).toBeLessThan(MOST_ZIPPED_BYTES);
  });

  it('holds none of the credential providers that a Lambda never needs', () => {
    const places = [...contributors.keys()].filter((name) =>
      /credential-provider-(?!node$|env$)|nested-clients/.test(name),
    );
    expect(places).toEqual([]);
  });

  it('leaves sharp to its layer', () => {
    expect([...contributors.keys()]).not.toContain('sharp');
  });
});

it('every function is bundled', () => {
  expect(bundles.map(({ name }) => name).sort()).toEqual(
    readdirSync(new URL('../../functions', import.meta.url)).sort(),
  );
});

it('every budget is of a function', () => {
  expect(bundles.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(budgets)));
});
