import { readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { tiffFile } from '../../adapters/sharp/tiff-file.ts';
import type { Bytes } from '../../core/ports.ts';
import type { Preset, RenditionFormat } from '../../core/presets.ts';
import { openImage } from '../support/open-image.ts';

/** Presets that keep Display P3. What is expected was made by Pillow and LittleCMS: test/fixtures/profiles/make-references.py. */

const codec = sharpImageCodec();
const fixture = (name: string) => new Uint8Array(readFileSync(`test/fixtures/${name}`));
const fromTable = unzipSync(readFileSync('test/fixtures/picture-table/files.zip'));
const encodings = { webp: { format: 'webp' }, avif: { format: 'avif' }, jpeg: { format: 'jpeg' } } as const;
const srgb = (format: RenditionFormat, width = 96): Preset => ({
  name: 'srgb',
  width,
  quality: 95,
  ...encodings[format],
});
const wide = (format: RenditionFormat, width = 96): Preset => ({
  ...srgb(format, width),
  name: 'wide',
  gamut: 'keep-p3',
});

describe.each(['webp', 'avif', 'jpeg'] as const)('given a photograph in Display P3, a %s that keeps it', (format) => {
  it('has its colours, and a profile that says so', async () => {
    const [rendition] = await rendered(fixture('profiles/DisplayP3-v4.jpg'), [wide(format)]);
    const numbers = await cellsOf(rendition, { ignoreIcc: true });
    expect(meanDeltaE(numbers, await cellsOf(fixture('profiles/DisplayP3-v4-in-p3.png')))).toBeLessThan(3);
    // Converted by that profile, it looks as LittleCMS converts the photograph.
    const shown = await cellsOf(rendition);
    expect(meanDeltaE(shown, await cellsOf(fixture('profiles/DisplayP3-v4.png')))).toBeLessThan(3);
    expect(meanDeltaE(numbers, shown)).toBeGreaterThan(1);
    const { icc, exif, xmp } = await sharp(rendition).metadata();
    expect({ hasProfile: icc !== undefined, exif, xmp }).toEqual({ hasProfile: true, exif: undefined, xmp: undefined });
  });
});

describe('a preset that keeps Display P3', () => {
  it.each(['sRGB-v4', 'AdobeCompat-v2', 'ProPhoto-v4', 'Rec709-v4'])('converts %s to sRGB', async (profile) => {
    const [one, other] = await rendered(fixture(`profiles/${profile}.jpg`), [wide('jpeg'), srgb('jpeg')]);
    expect(Buffer.compare(one ?? Buffer.alloc(0), other ?? Buffer.alloc(0))).toBe(0);
    expect((await sharp(one).metadata()).icc).toBeUndefined();
  });

  it.each(['tiff/cmyk-u16.tif', 'jpeg/grey-none.jpg'])(
    'does not disturb what has no such colours: %s',
    async (file) => {
      const bytes = new Uint8Array(fromTable[file] ?? []);
      const [one, other] = await rendered(bytes, [wide('jpeg'), srgb('jpeg')]);
      expect(Buffer.compare(one ?? Buffer.alloc(0), other ?? Buffer.alloc(0))).toBe(0);
    },
  );

  it.each([
    ['a HEIC', fixture('heic/p3.heic')],
    ['a HEIC with 10 bits', fixture('heic/p3-10-bit.heic')],
    ['an AVIF with 10 bits', new Uint8Array(fromTable['avif/10-bits-p3.avif'] ?? [])],
    ['an AVIF that states it without a profile', new Uint8Array(fromTable['avif/nclx-p3.avif'] ?? [])],
    ['a TIFF with 16 bits', new Uint8Array(fromTable['tiff/rgb-u16-p3.tif'] ?? [])],
    ['a BMP', new Uint8Array(fromTable['bmp/24-p3.bmp'] ?? [])],
    ['a WebP with alpha', new Uint8Array(fromTable['webp/lossless-alpha-p3.webp'] ?? [])],
  ])('keeps it in %s, and looks the same with its profile', async (_, bytes) => {
    const [one, other] = await rendered(bytes, [wide('webp'), srgb('webp')]);
    expect((await sharp(one).metadata()).icc).toBeDefined();
    expect((await sharp(other).metadata()).icc).toBeUndefined();
    expect(meanDeltaE(await cellsOf(one), await cellsOf(other))).toBeLessThan(3);
  });

  it('keeps a red that sRGB does not have', async () => {
    const [one, other] = await rendered(await plainPicture([255, 0, 0]), [wide('webp'), srgb('webp')]);
    const [mostRed, lessRed] = [await firstPixel(one, true), await firstPixel(other, true)];
    expect(mostRed[0]).toBeGreaterThan(250);
    expect(mostRed[1]).toBeLessThan(6);
    // In sRGB it is clipped, and sRGB's own red in Display P3 has these numbers (CSS Color 4).
    expect(lessRed).toEqual([expect.closeTo(255, -1), expect.closeTo(0, -1), expect.closeTo(0, -1)]);
  });

  it('has backgrounds and watermarks in the colours that the preset says', async () => {
    const red = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#ff0000' } })
      .png()
      .toBuffer();
    const mark = { png: red.toString('base64'), corner: 'top-left', share: 1, opacity: 1 } as const;
    const padded = { ...wide('webp'), width: 80, height: 40, fit: 'pad', background: '#ff0000' } as const;
    const [marked, pad] = await rendered(await plainPicture([20, 200, 20]), [
      { ...wide('webp'), watermark: mark },
      padded,
    ]);
    // sRGB's red in Display P3 (CSS Color 4).
    const centre = await pixelOf(marked, 32, 32);
    for (const pixel of [centre, await firstPixel(pad, true)]) {
      for (const [channel, value] of [234, 51, 35].entries())
        expect(Math.abs((pixel[channel] ?? 0) - value)).toBeLessThan(8);
    }
  });

  it('leaves the order of renditions to the presets', async () => {
    const presets = [srgb('jpeg', 60), wide('webp', 90), srgb('webp', 30), { ...wide('avif', 20), name: 'small' }];
    const image = await openImage(codec, fixture('profiles/DisplayP3-v4.jpg'));
    const result = await image.render(presets);
    expect(result.outcome === 'rendered' && result.renditions.map(({ preset, width }) => [preset.name, width])).toEqual(
      [
        ['srgb', 60],
        ['wide', 90],
        ['srgb', 30],
        ['small', 20],
      ],
    );
  });
});

/** 64 × 64 pixels of one colour in Display P3. */
async function plainPicture(colour: readonly number[]): Promise<Bytes> {
  const { file, pixels } = tiffFile({ width: 64, height: 64, channels: 3 }, fixture('profiles/DisplayP3-v4.icc'));
  pixels.set(Array.from(pixels, (_, at) => colour[at % 3] ?? 0));
  return file;
}

async function rendered(bytes: Bytes, presets: readonly Preset[]): Promise<Bytes[]> {
  const result = await (await openImage(codec, bytes)).render(presets);
  if (result.outcome === 'rejected') throw new Error(result.message);
  return result.renditions.map((rendition) => rendition.bytes);
}

async function firstPixel(bytes: Bytes | undefined, ignoreIcc: boolean): Promise<number[]> {
  const data = await sharp(bytes, { ignoreIcc }).removeAlpha().raw().toBuffer();
  return [...data.subarray(0, 3)];
}

async function pixelOf(bytes: Bytes | undefined, left: number, top: number): Promise<number[]> {
  const one = sharp(bytes, { ignoreIcc: true }).extract({ left, top, width: 1, height: 1 });
  return [...(await one.removeAlpha().raw().toBuffer())];
}

type Lab = readonly [number, number, number];
const CELL = 8;

/** The mean of each square. */
async function cellsOf(bytes: Bytes | undefined, options: { readonly ignoreIcc?: boolean } = {}): Promise<Lab[]> {
  const { data, info } = await sharp(bytes, options)
    .toColourspace('srgb')
    .flatten({ background: '#808080' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const [columns, rows] = [Math.floor(info.width / CELL), Math.floor(info.height / CELL)];
  return Array.from({ length: columns * rows }, (_, index) => {
    const sums = [0, 0, 0];
    for (let at = 0; at < CELL ** 2; at += 1) {
      const x = (index % columns) * CELL + (at % CELL);
      const y = Math.floor(index / columns) * CELL + Math.floor(at / CELL);
      const pixel = (y * info.width + x) * info.channels;
      for (const channel of [0, 1, 2]) sums[channel] = (sums[channel] ?? 0) + (data[pixel + channel] ?? 0);
    }
    return labOf(sums.map((sum) => sum / CELL ** 2));
  });
}

function meanDeltaE(one: readonly Lab[], other: readonly Lab[]): number {
  expect(one.length).toBe(other.length);
  const differences = one.map((lab, at) => Math.hypot(...lab.map((value, axis) => value - (other[at]?.[axis] ?? 0))));
  return differences.reduce((sum, value) => sum + value, 0) / differences.length;
}

/** CIELAB of sRGB (IEC 61966-2-1), white D65. */
function labOf(srgb8: readonly number[]): Lab {
  const [red = 0, green = 0, blue = 0] = srgb8.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const root = (value: number) => (value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116);
  const x = root((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505);
  const y = root(0.2126 * red + 0.7152 * green + 0.0722 * blue);
  const z = root((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
