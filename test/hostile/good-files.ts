import { readFileSync } from 'node:fs';
import sharp, { type Sharp } from 'sharp';
import { canary } from './hostile-file.ts';

export const fixture = (path: string) => readFileSync(new URL(`../fixtures/${path}`, import.meta.url));

/** Good files of every format and variant, small enough to be broken hundreds of times. */
export async function goodFiles(): Promise<ReadonlyMap<string, Buffer>> {
  const small = sharp(fixture('photos/rocket.jpg'))
    .resize(160)
    .withExif({ IFD0: { Copyright: canary }, IFD3: gps })
    .withXmp(xmp);
  const clear = small.clone().ensureAlpha(0.5);
  const encoded: readonly [string, Sharp][] = [
    ['baseline.jpg', small.clone().jpeg()],
    ['progressive.jpg', small.clone().jpeg({ progressive: true })],
    ['plain.png', small.clone().png()],
    ['interlaced.png', small.clone().png({ progressive: true })],
    ['sixteen-bit.png', small.clone().toColourspace('rgb16').png()],
    ['lossy.webp', small.clone().webp()],
    ['lossless.webp', small.clone().webp({ lossless: true })],
    ['clear.webp', clear.clone().webp()],
    ['still.avif', small.clone().avif({ effort: 0 })],
    ['clear.avif', clear.clone().avif({ effort: 0, bitdepth: 12 })],
    ['still.gif', small.clone().gif()],
    ['lzw.tiff', small.clone().tiff({ compression: 'lzw' })],
    [
      'sixteen-bit.tiff',
      clear.clone().toColourspace('rgb16').tiff({ compression: 'deflate', predictor: 'horizontal' }),
    ],
    ['tiles.tiff', small.clone().tiff({ compression: 'jpeg', tile: true, tileWidth: 64, tileHeight: 64 })],
  ];
  const made = await Promise.all(
    encoded.map(async ([name, picture]): Promise<[string, Buffer]> => [name, await picture.toBuffer()]),
  );
  const found = [
    'cmyk.jpg',
    'cmyk-alpha.tiff',
    'alpha.png',
    'animated-5-frames.gif',
    'animated-9-frames.webp',
    'sequence.avif',
  ];
  return new Map([...made, ...found.map((name): [string, Buffer] => [name, fixture(`formats/${name}`)])]);
}

const gps = { GPSLatitudeRef: 'N', GPSLatitude: '47/1 36/1 0/1', GPSLongitudeRef: 'W', GPSLongitude: '122/1 18/1 0/1' };
export const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="${canary}"/></rdf:RDF></x:xmpmeta>`;
