import { readFileSync } from 'node:fs';
import sharp, { type Sharp } from 'sharp';
import { bitmapHeaderOf, bmpOf, icoOf } from './containers/bitmap.ts';
import { jpegSegment, jpegWith } from './containers/jpeg.ts';
import { u16be, u32be } from './containers/numbers.ts';
import { tiffWithPrivateData } from './containers/tiff.ts';
import { canary } from './hostile-file.ts';

export const fixture = (path: string) => readFileSync(new URL(`../fixtures/${path}`, import.meta.url));

/** Good files of every format and variant, small enough to damage hundreds of times. */
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
    encoded.map(async ([name, image]): Promise<[string, Buffer]> => [name, await image.toBuffer()]),
  );
  const withPrivateData = [
    ['private.tiff', tiffWithPrivateData(canary, iptc)],
    ['private.jpg', jpegWith(await small.clone().jpeg().toBuffer(), jpegSegment(0xed, photoshop(iptc)))],
  ] as const;
  const found = [
    'cmyk.jpg',
    'cmyk-alpha.tiff',
    'alpha.png',
    'animated-5-frames.gif',
    'animated-9-frames.webp',
    'sequence.avif',
  ];
  return new Map([
    ...made,
    ...(await bitmaps(small)),
    ...withPrivateData,
    ...found.map((name): [string, Buffer] => [name, fixture(`formats/${name}`)]),
    ['still.heic', fixture('heic/p3-10-bit.heic')],
    ['clear.heic', fixture('heic/clear.heic')],
  ]);
}

/** A BMP of 24 bits, one of runs, and ICOs with alpha, with a mask and with a PNG. */
async function bitmaps(picture: Sharp): Promise<readonly (readonly [string, Buffer])[]> {
  const { data, info } = await picture
    .clone()
    .resize(64, 44, { fit: 'fill' })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const size = { width, height };
  const pixels = Array.from({ length: width * height }, (_, pixel) => [...data.subarray(3 * pixel, 3 * pixel + 3)]);
  const bgr = Buffer.from(pixels.flatMap(([red = 0, green = 0, blue = 0]) => [blue, green, red]));
  const bgra = Buffer.from(pixels.flatMap(([red = 0, green = 0, blue = 0], at) => [blue, green, red, at % 256]));
  const runs = Buffer.from([...pixels.flatMap(([red = 0]) => [1, red]), 0, 1]);
  const greys = Buffer.from(Array.from({ length: 256 }, (_, grey) => [grey, grey, grey, 0]).flat());
  const mask = Buffer.alloc((width / 8) * height, 0x0f);
  const icon = (bits: number, rest: Buffer) =>
    icoOf([{ ...size, bytes: Buffer.concat([bitmapHeaderOf({ width, height: 2 * height, bits }), rest]) }]);
  return [
    ['plain.bmp', bmpOf(bitmapHeaderOf({ ...size, bits: 24 }), Buffer.concat([bgr, Buffer.from(canary)]), 0)],
    [
      'runs.bmp',
      bmpOf(bitmapHeaderOf({ ...size, bits: 8, compression: 1 }), Buffer.concat([greys, runs]), greys.length),
    ],
    ['alpha.ico', icon(32, Buffer.concat([bgra, mask]))],
    ['mask.ico', icon(24, Buffer.concat([bgr, mask]))],
    ['png.ico', icoOf([{ bytes: await picture.clone().png().toBuffer() }])],
  ];
}

const gps = { GPSLatitudeRef: 'N', GPSLatitude: '47/1 36/1 0/1', GPSLongitudeRef: 'W', GPSLongitude: '122/1 18/1 0/1' };
export const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="${canary}"/></rdf:RDF></x:xmpmeta>`;
/** A by-line (record 2, data set 80). */
const iptc = Buffer.concat([Buffer.from([0x1c, 2, 80]), u16be(canary.length), Buffer.from(canary)]);

/** The form of IPTC in a JPEG: a Photoshop resource. */
function photoshop(block: Buffer): Buffer {
  const [kind, name] = [u16be(0x0404), Buffer.alloc(2)];
  const even = Buffer.alloc(block.length % 2);
  return Buffer.concat([Buffer.from('Photoshop 3.0\x008BIM'), kind, name, u32be(block.length), block, even]);
}
