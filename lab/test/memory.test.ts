import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defaultLimits } from '../../core/limits.ts';
import { inputFormats } from '../../core/metadata.ts';
import { steps } from '../../core/steps.ts';
import { numberAt, templateFor } from '../../scripts/template/template.ts';

/** The last result of `npm run lab -- bench memory`: memory as a linear function of megapixels, per kind of file. */
const { kinds } = z
  .object({ kinds: z.record(z.string(), z.object({ base: z.number(), perMegapixel: z.number().nonnegative() })) })
  .parse(JSON.parse(readFileSync(new URL('../bench/measured-memory.json', import.meta.url), 'utf8')));

const MOST_USED = 0.7;
const FILE_COPIES = 2;
const decoding = steps.filter(({ decodes }) => decodes).map(({ name }) => `${name}Function`);
const { resources } = templateFor('prod');
const limits: Readonly<Record<string, number>> = {
  ...defaultLimits.pixels,
  'jpeg, progressive': defaultLimits.progressivePixels.jpeg,
  'png, progressive': defaultLimits.progressivePixels.png,
  'tiff, in tiles': defaultLimits.progressivePixels.tiff,
};

it('every kind of image with its own limit has been measured', () => {
  expect(Object.keys(kinds).sort()).toEqual(Object.keys(limits).sort());
  expect(Object.keys(kinds)).toEqual(expect.arrayContaining([...inputFormats]));
});

describe.each(decoding)('%s', (worker) => {
  const memorySize = numberAt(resources.get(worker)?.Properties['MemorySize']);

  it.each(Object.entries(kinds))('has enough memory for the largest %s that is accepted', (kind, measured) => {
    const megapixels = (limits[kind] ?? Number.NaN) / 1e6;
    const files = (FILE_COPIES * defaultLimits.bytes) / 2 ** 20;
    expect(measured.base + files + megapixels * measured.perMegapixel).toBeLessThan(MOST_USED * memorySize);
  });
});
