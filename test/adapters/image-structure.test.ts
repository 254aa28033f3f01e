import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { exifPortrait } from '../../adapters/sharp/exif.ts';
import { largestDecodedSize } from '../../adapters/sharp/heif-sizes.ts';
import { heifWork } from '../../adapters/sharp/heif-work.ts';
import { hasTooManySegments, reachesFullDetail } from '../../adapters/sharp/jpeg-segments.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { tiffPicture } from '../../adapters/sharp/tiff-picture.ts';
import { countFrames } from '../../adapters/sharp/webp-frames.ts';
import { defaultLimits, type Limits, rejectHeader } from '../../core/limits.ts';
import { alphaOf, avif, avifItems, box, fullBox, ispe } from '../hostile/containers/avif.ts';
import { flat, flatAndClear } from '../hostile/containers/flat.ts';
import { jpegOfScans, jpegSegment, jpegWith } from '../hostile/containers/jpeg.ts';
import { repeated, u16be, u32be } from '../hostile/containers/numbers.ts';
import { exifOf } from '../hostile/containers/tiff.ts';
import { webpOfFrames, webpPicture } from '../hostile/containers/webp.ts';

/** The parts of a file that are checked before libvips opens it, because they could exhaust a worker's time or memory. */

const many = 100_001;

/** Of items with numbers of four bytes for offsets and lengths. */
function iloc(items: number, ...each: readonly Buffer[]): Buffer {
  return fullBox('iloc', 2, Buffer.from([0x44, 0]), u32be(items), repeated(Buffer.concat(each), items));
}

async function open(bytes: Buffer, changed: Partial<Limits> = {}) {
  const limits = { ...defaultLimits, ...changed };
  const image = await sharpImageCodec(limits).open(new Uint8Array(bytes));
  return image.outcome === 'rejected' ? image : (rejectHeader(image.header, limits) ?? image);
}

describe('a JPEG', () => {
  it('is accepted with 100 scans and rejected with 101', async () => {
    expect(await open(jpegOfScans(64, 100))).toMatchObject({ outcome: 'open' });
    expect(await open(jpegOfScans(64, 101))).toMatchObject({
      outcome: 'rejected',
      reason: 'corrupt',
      message: expect.stringMatching(/implausible number of segments/),
    });
  });

  const segments = (count: number) => repeated(jpegSegment(0xe1, Buffer.from('AB')), count);
  const tem = Buffer.from([0xff, 0x01]);
  it.each([
    ['ten thousand segments', true, segments(10_000)],
    ['the same after a marker that has no length', true, Buffer.concat([tem, segments(10_000)])],
    [
      'the same with stray bytes between them',
      true,
      repeated(Buffer.concat([segments(1), Buffer.from([0, 7])]), 10_000),
    ],
    [
      'the same, each with fill bytes before it',
      true,
      repeated(Buffer.concat([Buffer.from([0xff, 0xff]), segments(1)]), 10_000),
    ],
    ['nine thousand segments', false, segments(9_000)],
  ])('with %s in addition to its own: too many is %s', async (_, tooMany, extra) => {
    expect(hasTooManySegments(jpegWith(await flat(8).jpeg().toBuffer(), extra))).toBe(tooMany);
  });
});

describe('a WebP', () => {
  it('is rejected for too many frames before decoding, and otherwise reports their number', async () => {
    const frame = webpPicture(await flat(4).webp({ lossless: true }).toBuffer());
    expect(await open(webpOfFrames(frame, 4, 3), { frames: 3 })).toMatchObject({ header: { frames: 3 } });
    expect(await open(webpOfFrames(frame, 4, 4), { frames: 3 })).toMatchObject({ reason: 'too-many-frames' });
    // It stops counting beyond the limit.
    expect(countFrames(webpOfFrames(frame, 4, 100), 3)).toBe(4);
  });
});

describe('an AVIF', () => {
  it('counts as large as its largest item, even if that is not the displayed image', async () => {
    const [shown] = avifItems(await flat(64).avif({ effort: 0 }).toBuffer());
    const [, alpha] = avifItems(await flatAndClear(200).avif({ effort: 0 }).toBuffer());
    const file = avif([
      { type: 'av01', data: shown?.data ?? Buffer.alloc(0), properties: [ispe(64, 64), ...(shown?.properties ?? [])] },
      {
        ...{ type: 'av01', data: alpha?.data ?? Buffer.alloc(0) },
        properties: [ispe(200, 200), ...(alpha?.properties ?? []), alphaOf],
        refers: { as: 'auxl', to: [1] },
      },
    ]);
    const upTo = (pixels: number) => ({ pixels: { ...defaultLimits.pixels, avif: pixels } });
    expect(largestDecodedSize(file)).toEqual({ width: 200, height: 200 });
    expect(await open(file, upTo(40_000))).toMatchObject({ header: { width: 64, height: 64, hasAlpha: true } });
    expect(await open(file, upTo(39_999))).toMatchObject({ reason: 'too-many-pixels' });
  });

  it('counts each use of a shared item, and an image that is derived from itself without end', () => {
    const [side, data] = [10, Buffer.alloc(50)];
    const item = { type: 'av01', data, properties: [ispe(side, side)] };
    const derived = (to: readonly number[]) => ({ ...item, type: 'iovl', refers: { as: 'dimg', to } });
    expect(heifWork(avif([derived([2, 2, 2]), item])).decodedPixels).toBe(400);
    expect(heifWork(avif([derived([1])])).decodedPixels).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([
    ['items', iloc(many, u32be(1), ...[0, 0, 0].map(u16be))],
    [
      'extents',
      Array.from({ length: 2 }, () => iloc(1, u32be(1), u16be(0), u16be(0), u16be(60_000), Buffer.alloc(480_000))),
    ],
    [
      'types',
      fullBox('iinf', 1, u32be(many), repeated(fullBox('infe', 3, u32be(1), u16be(0), Buffer.from('av01')), many)),
    ],
    [
      'references',
      fullBox('iref', 1, ...[1, 2].map(() => box('dimg', u32be(1), u16be(60_000), Buffer.alloc(240_000)))),
    ],
    ['properties', box('iprp', box('ipco', repeated(box('free'), many)))],
    [
      'associations',
      box('iprp', fullBox('ipma', 1, u32be(many), repeated(Buffer.concat([u32be(1), Buffer.from([1, 1])]), many))),
    ],
  ])(
    'is refused if it has more %s than any image: those behind are not read, because each takes memory',
    async (_, boxes) => {
      const file = Buffer.concat([
        box('ftyp', Buffer.from('avif\0\0\0\0avifmif1miaf')),
        fullBox('meta', 0, ...[boxes].flat()),
      ]);
      expect(await open(file)).toMatchObject({ reason: 'too-complex' });
    },
  );

  it('is not judged by bytes within its coded image data', () => {
    expect(largestDecodedSize(Buffer.concat([box('mdat', ispe(9_000, 9_000)), box('meta', ispe(3, 4))]))).toEqual({
      width: 3,
      height: 4,
    });
  });
});

describe('a TIFF', () => {
  it.each([
    ['in strips', false, { tile: false }],
    ['in tiles', true, { tile: true }],
    ['in tiles, as BigTIFF', true, { tile: true, bigtiff: true }],
  ])('%s: decoder holds the whole image: %s', async (_, progressive, how) => {
    expect(await open(await flat(100).tiff(how).toBuffer())).toMatchObject({
      header: { format: 'tiff', progressive },
    });
  });
});

describe('EXIF', () => {
  it('whose entries all refer to the whole block costs one look at each entry', () => {
    // Reading them all would take 16 GB.
    expect(exifPortrait(exifOf(4_000, 4_000_000))).toEqual({
      camera: undefined,
      capturedAt: undefined,
      location: undefined,
    });
  });

  it.each(['0000:00:00 00:00:00', '2024:02:31 07:08:09', '2024:05:06', 'yesterday'])(
    'ignores the impossible time %s',
    async (time) => {
      const exif = { IFD2: { DateTimeOriginal: time } };
      const { exif: block } = await sharp(await flat(8).withExif(exif).jpeg().toBuffer()).metadata();
      expect(exifPortrait(block).capturedAt).toBeUndefined();
    },
  );
});

it('no random or damaged bytes make these parsers throw', async () => {
  const clear = flatAndClear(40).withExif({ IFD0: { Make: 'A' }, IFD2: { DateTimeOriginal: '2024:05:06 07:08:09' } });
  const good = await Promise.all([
    ...(['jpeg', 'webp', 'avif', 'tiff'] as const).map((format) => clear.clone().toFormat(format).toBuffer()),
    clear.clone().tiff({ bigtiff: true, tile: true }).toBuffer(),
    Buffer.from((await sharp(await clear.clone().jpeg().toBuffer()).metadata()).exif ?? []),
  ]);
  const damaged = fc
    .tuple(fc.constantFrom(...good), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 40 }), fc.nat(4_000))
    .map(([bytes, changes, length]) => {
      const copy = Buffer.from(bytes).subarray(0, length);
      for (const [at, value] of changes) if (copy.length > 0) copy[at % copy.length] = value;
      return copy;
    });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        damaged,
      ),
      (bytes) => {
        for (const read of [hasTooManySegments, reachesFullDetail, tiffPicture, largestDecodedSize, exifPortrait])
          read(bytes);
        countFrames(bytes, 10);
      },
    ),
    { numRuns: 2_000, seed: 20261121 },
  );
});
