import type { Sharp } from 'sharp';
import { flat, flatAndClear } from '../../test/hostile/containers/flat.ts';
import { gifOfFrames } from '../../test/hostile/containers/gif.ts';
import { jpegOfScans } from '../../test/hostile/containers/jpeg.ts';
import { tiffOfStrips, tiffOfTiles } from '../../test/hostile/containers/tiff.ts';
import { webpOfFrames, webpPicture } from '../../test/hostile/containers/webp.ts';
import type { Maker } from '../../test/hostile/hostile-file.ts';

/** A few kilobytes that decode to gigabytes: for each format, the most expensive files within the limits, and beyond them. */
export function bombs(): readonly Maker[] {
  const made = (name: string, picture: () => Sharp): Maker => [name, () => picture().toBuffer()];
  const deep = (side: number) => flatAndClear(side).toColourspace('rgb16');
  const ink = (side: number) => flat(side).toColourspace('cmyk');
  const turned = (picture: Sharp) => picture.withMetadata({ orientation: 6 });
  return [
    made('30 megapixels, 12 bits, with alpha, rotated.avif', () =>
      turned(flatAndClear(5_470)).avif({ effort: 0, bitdepth: 12 }),
    ),
    made('30 megapixels, 10 bits, with alpha.avif', () => flatAndClear(5_470).avif({ effort: 0, bitdepth: 10 })),
    made('49 megapixels.avif', () => flat(7_000).avif({ effort: 0 })),
    made('100 megapixels, 16 bits, with alpha, rotated.png', () => turned(deep(10_000)).png()),
    made('400 megapixels.png', () => flat(20_000).png()),
    made('65 megapixels, 16 bits, with alpha, interlaced, rotated.png', () =>
      turned(deep(8_060)).png({ progressive: true }),
    ),
    made('144 megapixels, interlaced.png', () => flat(12_000).png({ progressive: true })),
    made('65,535 × 990, 16 bits, with alpha, interlaced.png', () =>
      flatAndClear(65_535, 990).toColourspace('rgb16').png({ progressive: true }),
    ),
    made('1 × 65,535.png', () => flat(1, 65_535).png()),
    made('10 × 10,000,000.png', () => flat(10, 9_999_999).png()),
    made('100 megapixels, CMYK, progressive, rotated.jpg', () => turned(ink(10_000)).jpeg({ progressive: true })),
    made('144 megapixels, progressive.jpg', () => flat(12_000).jpeg({ progressive: true })),
    made('250 megapixels, CMYK, rotated.jpg', () => turned(ink(15_800)).jpeg()),
    ['100 megapixels in 20 scans.jpg', async () => jpegOfScans(10_000, 20)],
    made('100 megapixels, with alpha, rotated.webp', () =>
      turned(flatAndClear(10_000)).webp({ lossless: true, effort: 0 }),
    ),
    made('268 megapixels.webp', () => flat(16_383).webp({ lossless: true, effort: 0 })),
    ['10,000 frames on 100 megapixels.webp', async () => webpOfFrames(await pixel(), 1, 10_000, 10_000)],
    [
      '100 frames of 100 megapixels.webp',
      async () =>
        webpOfFrames(
          webpPicture(await flatAndClear(10_000).webp({ lossless: true, effort: 0 }).toBuffer()),
          10_000,
          100,
        ),
    ],
    made('100 megapixels.gif', () => flat(10_000).gif({ effort: 1 })),
    ['10 frames of 100 megapixels.gif', async () => gifOfFrames(10, 10_000)],
    ['10 frames of 4,295 megapixels.gif', async () => gifOfFrames(10, 65_535)],
    made('100 megapixels, 16 bits, with alpha, rotated.tiff', () =>
      turned(deep(10_000)).tiff({ compression: 'deflate' }),
    ),
    [
      '100 megapixels of floating point.tiff',
      async () => tiffOfStrips({ width: 10_000, height: 10_000, bits: 32, samples: 4, sampleFormat: 3 }, 16),
    ],
    [
      '100 megapixels in planes.tiff',
      async () => tiffOfStrips({ width: 10_000, height: 10_000, bits: 16, samples: 4, planar: true }, 16),
    ],
    [
      '30 megapixels in tiles as high as the image.tiff',
      async () => tiffOfTiles({ width: 37_000, height: 800, bits: 32, samples: 4, sampleFormat: 3 }, 800),
    ],
    ['one strip of 300 megabytes.tiff', async () => tiffOfStrips({ width: 10_000, height: 10_000 }, 10_000)],
  ];

  async function pixel(): Promise<Buffer> {
    return webpPicture(await flat(1).webp({ lossless: true }).toBuffer());
  }
}
