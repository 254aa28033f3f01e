import { describe, expect, it } from 'vitest';
import { bundleFunctions } from '../../scripts/bundle.ts';

// The promise of docs/decisions/0004. Bytes are the same on every machine; how long they take to load is not, so that is
// left to `npm run bench bundles`.
const MOST_ZIPPED_BYTES = 200_000;

const bundles = await bundleFunctions();

describe.each(bundles)('the package of $name', ({ zippedBytes, contributors }) => {
  it('is smaller than 200 kB', () => {
    const largest = [...contributors].slice(0, 5).map(([name, bytes]) => `${name} ${bytes}`);
    expect(zippedBytes, `largest parts: ${largest.join(', ')}`).toBeLessThan(MOST_ZIPPED_BYTES);
  });

  it('holds none of the places for credentials where a Lambda never looks', () => {
    const places = [...contributors.keys()].filter((name) =>
      /credential-provider-(?!node$|env$)|nested-clients/.test(name),
    );
    expect(places).toEqual([]);
  });

  it('leaves sharp to its layer', () => {
    expect([...contributors.keys()]).not.toContain('sharp');
  });
});

it('all functions are bundled', () => {
  expect(bundles.map(({ name }) => name).sort()).toEqual([
    'check-release',
    'dispatch-images',
    'extract-metadata',
    'probe-pipeline',
    'remove-renditions',
    'resize-image',
  ]);
});
