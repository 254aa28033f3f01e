import { alphaOf, avif, avifItems, box, ispe } from '../../test/hostile/containers/avif.ts';
import { flat, flatAndClear } from '../../test/hostile/containers/flat.ts';
import { gifOfExtensions, gifOfFrames, gifOfRuns } from '../../test/hostile/containers/gif.ts';
import { jpegOfScans, jpegSegment, jpegWith } from '../../test/hostile/containers/jpeg.ts';
import { repeated } from '../../test/hostile/containers/numbers.ts';
import { pngChunk, pngWith } from '../../test/hostile/containers/png.ts';
import { exifOf, tiffOfPages, tiffOfTiles } from '../../test/hostile/containers/tiff.ts';
import { webp, webpChunk, webpHeader, webpOfFrames, webpPicture } from '../../test/hostile/containers/webp.ts';
import type { Maker } from '../../test/hostile/hostile-file.ts';

/** Files with few pixels, and so many parts that they could exhaust a worker. Each must be rejected or survived. */
export function overloads(): readonly Maker[] {
  const small = flat(10);
  return [
    ['100 megapixels in 800 scans.jpg', async () => jpegOfScans(10_000, 800)],
    ['8 million segments.jpg', async () => jpegWith(await small.clone().jpeg().toBuffer(), segments(8_000_000))],
    [
      '8 million segments after markers without length.jpg',
      async () =>
        jpegWith(
          await small.clone().jpeg().toBuffer(),
          repeated(Buffer.concat([Buffer.from([0xff, 0x01]), segments(20_000)]), 400),
        ),
    ],
    [
      '5,400 entries that each refer to the whole block.jpg',
      async () =>
        jpegWith(
          await small.clone().jpeg().toBuffer(),
          jpegSegment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), exifOf(5_400, 65_500)])),
        ),
    ],
    [
      '60,000 entries that each refer to the whole block.webp',
      async () => webp([webpHeader(8, 10, 10), await smallWebp(), webpChunk('EXIF', exifOf(60_000, 40_000_000))]),
    ],
    [
      '2 million texts.png',
      async () =>
        pngWith(await small.clone().png().toBuffer(), repeated(pngChunk('tEXt', Buffer.from('Comment\0x')), 2_000_000)),
    ],
    ['900,000 frames.webp', async () => webpOfFrames(await pixel(), 1, 900_000)],
    [
      '5 million unknown chunks.webp',
      async () =>
        webp([webpHeader(0, 10, 10), await smallWebp(), repeated(webpChunk('JUNK', Buffer.alloc(0)), 5_000_000)]),
    ],
    ['10,000 frames.webp', async () => webpOfFrames(await pixel(), 1, 10_000)],
    ['10,001 frames.webp', async () => webpOfFrames(await pixel(), 1, 10_001)],
    ['10,000 pages.tiff', async () => tiffOfPages(10_000)],
    ['10,001 pages.tiff', async () => tiffOfPages(10_001)],
    ['2 million frames.gif', async () => gifOfFrames(2_000_000)],
    ['16 million extensions.gif', async () => gifOfExtensions(16_000_000)],
    ['100 megapixels in 68 KB.gif', async () => gifOfRuns(10_000)],
    ['400,000 pages.tiff', async () => tiffOfPages(400_000)],
    [
      '6 million boxes.avif',
      async () => Buffer.concat([await small.clone().avif({ effort: 0 }).toBuffer(), repeated(box('free'), 6_000_000)]),
    ],
    ['81 megapixels of alpha behind a 64 × 64 image.avif', hugeAlpha],
    ['10,000,000 × 10.png', () => flat(9_999_999, 10).png().toBuffer()],
    [
      '98 megapixels in tiles as high as the image.tiff',
      async () => tiffOfTiles({ width: 65_000, height: 1_520, bits: 32, samples: 4, sampleFormat: 3 }, 1_520),
    ],
  ];

  async function smallWebp(): Promise<Buffer> {
    return webpPicture(await small.clone().webp({ lossless: true }).toBuffer());
  }
}

async function pixel(): Promise<Buffer> {
  return webpPicture(await flat(1).webp({ lossless: true }).toBuffer());
}

/** Of two bytes each. */
function segments(count: number): Buffer {
  return repeated(jpegSegment(0xe1, Buffer.from('AB')), count);
}

async function hugeAlpha(): Promise<Buffer> {
  const [shown] = avifItems(await flat(64).avif({ effort: 0, bitdepth: 12 }).toBuffer());
  const [, alpha] = avifItems(await flatAndClear(9_000).avif({ effort: 0, bitdepth: 12 }).toBuffer());
  if (shown === undefined || alpha === undefined) throw new Error('There is no alpha.');
  return avif([
    { type: 'av01', data: shown.data, properties: [ispe(64, 64), ...shown.properties] },
    {
      ...{ type: 'av01', data: alpha.data, properties: [ispe(9_000, 9_000), ...alpha.properties, alphaOf] },
      refers: { as: 'auxl', to: [1] },
    },
  ]);
}
