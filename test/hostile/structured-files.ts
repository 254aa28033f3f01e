import fc from 'fast-check';
import type { InputFormat } from '../../core/metadata.ts';
import type { Maker } from './hostile-file.ts';
import { bmps, icos } from './structured/bitmap.ts';
import { gifs } from './structured/gif.ts';
import { heifs } from './structured/heif.ts';
import type { Ingredients } from './structured/ingredients.ts';
import { jpegs } from './structured/jpeg.ts';
import type { Edit } from './structured/parts.ts';
import { pngs } from './structured/png.ts';
import { tiffs } from './structured/tiff.ts';
import { webps } from './structured/webp.ts';

const generators = {
  ...{ jpeg: jpegs, png: pngs, webp: webps, gif: gifs, tiff: tiffs, bmp: bmps, ico: icos },
  avif: (from: Ingredients) => heifs('avif', from.avifImages, from),
  heic: (from: Ingredients) => heifs('heic', from.heicImages, from),
} satisfies Record<InputFormat, (ingredients: Ingredients) => fc.Arbitrary<readonly [Edit, Buffer]>>;

// Of a file's name.
const MOST_CHARACTERS = 100;

/**
 * Small files of one format whose parts are whole, and in numbers, orders, lengths and places that no program writes. About
 * a third of them are decoded.
 */
export function structuredFiles(
  format: InputFormat,
  ingredients: Ingredients,
  { seed, count }: { readonly seed: number; readonly count: number },
): readonly Maker[] {
  return fc
    .sample(generators[format](ingredients), { seed, numRuns: count })
    .map(([{ name }, bytes]): Maker => [`${name.slice(0, MOST_CHARACTERS)}.${format}`, async () => bytes]);
}
