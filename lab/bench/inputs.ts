/** One real photograph in every format that an upload may have, made once and kept in the work directory. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';
import { workDirectory } from '../../scripts/terminal/project.ts';
import { bitmapHeaderOf, bmpOf, icoOf } from '../../test/hostile/containers/bitmap.ts';

const photo = fileURLToPath(new URL('../../test/fixtures/photos/book-d90-12mp.jpg', import.meta.url));
const PHOTO_SIZE = { width: 4288, height: 2848 };
const directory = join(workDirectory, 'bench-inputs');

const profile = (name: string) => fileURLToPath(new URL(`../../test/fixtures/profiles/${name}.icc`, import.meta.url));
/** As editors and Android (sRGB) and iPhones (Display P3) write them: curves by formula, in 500 bytes. */
export const profiles = { srgb: profile('sRGB-v4'), displayP3: profile('DisplayP3-v4') } as const;

interface InputSize {
  readonly width: number;
  readonly height: number;
}

type Write = (picture: Sharp, size: InputSize) => Sharp;

const deepWithAlpha = (picture: Sharp): Sharp => picture.ensureAlpha(0.9).toColourspace('rgb16');

/** Typical files. */
export const usualInputs = {
  'JPEG, baseline': (picture) => picture.jpeg({ quality: 90 }),
  'JPEG, sRGB profile': (picture) => picture.withIccProfile(profiles.srgb).jpeg({ quality: 90 }),
  'JPEG, Display P3': (picture) => picture.withIccProfile(profiles.displayP3).jpeg({ quality: 90 }),
  'JPEG, progressive': (picture) => picture.jpeg({ quality: 90, progressive: true }),
  PNG: (picture) => picture.png({ compressionLevel: 6 }),
  WebP: (picture) => picture.webp({ quality: 85, effort: 0 }),
  AVIF: (picture) => picture.avif({ quality: 60, effort: 0 }),
  GIF: (picture) => picture.gif({ effort: 1 }),
  TIFF: (picture) => picture.tiff({ compression: 'lzw' }),
} satisfies Readonly<Record<string, Write>>;

/** The variant of each kind of `core/limits.ts` that takes the most memory per pixel. */
export const heaviestInputs = {
  jpeg: (picture) => picture.toColourspace('cmyk').jpeg({ quality: 90 }),
  'jpeg, progressive': (picture) => picture.toColourspace('cmyk').jpeg({ quality: 90, progressive: true }),
  png: (picture) => deepWithAlpha(picture).png({ compressionLevel: 1 }),
  'png, progressive': (picture) => deepWithAlpha(picture).png({ compressionLevel: 1, progressive: true }),
  webp: (picture) => picture.ensureAlpha(0.9).webp({ lossless: true, effort: 0 }),
  avif: (picture) =>
    picture.withMetadata({ orientation: 6 }).ensureAlpha(0.9).avif({ quality: 60, effort: 0, bitdepth: 12 }),
  gif: (picture) => picture.gif({ effort: 1 }),
  tiff: (picture) => deepWithAlpha(picture).tiff({ compression: 'lzw' }),
  // Each tile is as high as the image, so that the row of tiles in the decoder's memory is the whole image.
  'tiff, in tiles': (picture, { height }) =>
    picture
      .ensureAlpha(0.9)
      .toColourspace('scrgb')
      .tiff({ compression: 'lzw', tile: true, tileWidth: 256, tileHeight: Math.ceil(height / 16) * 16 }),
} satisfies Readonly<Record<string, Write>>;

/** The path of a HEIC, which sharp cannot write: 10 bits with alpha, made by heic/make-inputs.py. */
export const heaviestHeic = (megapixels: number) =>
  fileURLToPath(new URL(`heic/${megapixels}-megapixels.heic`, import.meta.url));

/** Which sharp cannot write. Fewer bits for each pixel allow for more of them within the limit for bytes. */
export const heaviestBitmaps = {
  bmp: ({ width, height }) =>
    bmpOf(bitmapHeaderOf({ width, height, bits: 4 }), noise(64 + Math.ceil(width / 8) * 4 * height), 64),
  ico: ({ width, height }) => {
    const header = bitmapHeaderOf({ width, height: 2 * height, bits: 8 });
    const rows = (Math.ceil(width / 4) + Math.ceil(width / 32)) * 4 * height;
    return icoOf([{ bytes: Buffer.concat([header, noise(1_024 + rows)]) }]);
  },
} satisfies Readonly<Record<string, (size: InputSize) => Buffer>>;

function noise(length: number): Buffer {
  return Buffer.alloc(length, randomBytes(9_973));
}

/** The path of the file. */
export async function bitmapFile(name: string, bytes: Buffer, { width, height }: InputSize): Promise<string> {
  const file = join(directory, `${name}-${width}x${height}`);
  await mkdir(directory, { recursive: true });
  await writeFile(file, bytes);
  return file;
}

/** The path of the file. */
export async function inputFile(
  name: string,
  write: Write,
  size: InputSize = PHOTO_SIZE,
  from: string = photo,
): Promise<string> {
  const stem = `${name}-${size.width}x${size.height}`;
  const file = join(directory, stem.replaceAll(/\W+/g, '-'));
  if (existsSync(file)) return file;
  await mkdir(directory, { recursive: true });
  // The codec's hardening leaves sharp no way to open files itself.
  const picture = sharp(readFileSync(from)).autoOrient();
  await writeFile(file, await write(picture.resize({ ...size, fit: 'fill' }), size).toBuffer());
  return file;
}
