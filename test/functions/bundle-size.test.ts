import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bundleFunctions } from '../../scripts/template/bundle.ts';

// Zipped, about 5 % above the current size, so that growth is noticed and a budget is raised deliberately. A function that is
// not listed may use all of MAX_ZIPPED_BYTES. Unlike sizes, load times differ between machines: `npm run lab -- bench bundles`
// measures those.
const budgets: Readonly<Record<string, number>> = {
  'check-release': 166_000,
  'dispatch-images': 118_000,
  'extract-metadata': 173_000,
  'probe-pipeline': 184_000,
  'record-history': 126_000,
  'remove-renditions': 120_000,
  'resize-image': 170_000,
};
// The limit in docs/decisions/0004.
const MAX_ZIPPED_BYTES = 200_000;

const bundles = await bundleFunctions();

describe.each(bundles)('the package of $name', ({ name, zippedBytes, contributors }) => {
  it('stays within its budget, which is below 200 kB', () => {
    const largest = [...contributors].slice(0, 5).map(([part, bytes]) => `${part} ${bytes}`);
    expect(zippedBytes, `largest parts: ${largest.join(', ')}`).toBeLessThan(budgets[name] ?? MAX_ZIPPED_BYTES);
    expect(budgets[name] ?? 0).toBeLessThan(MAX_ZIPPED_BYTES);
  });

  it('contains no credential providers that Lambda never needs', () => {
    const places = [...contributors.keys()].filter((name) =>
      /credential-provider-(?!node$|env$)|nested-clients/.test(name),
    );
    expect(places).toEqual([]);
  });

  it('leaves sharp to the layer', () => {
    expect([...contributors.keys()]).not.toContain('sharp');
  });
});

it('every function is bundled', () => {
  expect(bundles.map(({ name }) => name).sort()).toEqual(
    readdirSync(new URL('../../functions', import.meta.url)).sort(),
  );
});

it('every budget belongs to a function', () => {
  expect(bundles.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(budgets)));
});
