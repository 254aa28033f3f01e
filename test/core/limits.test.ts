import { describe, expect, it } from 'vitest';
import {
  defaultLimits,
  type Limits,
  maxPixels,
  rejectBytes,
  rejectExcess,
  rejectHeader,
  rejectWork,
  staysAnimated,
  type Work,
} from '../../core/limits.ts';
import { type ImageHeader, inputFormats } from '../../core/metadata.ts';

const MEGA = 1_000_000;
const limits: Limits = {
  seconds: defaultLimits.seconds,
  bytes: 50 * MEGA,
  pixels: {
    ...{ jpeg: 100 * MEGA, png: 60 * MEGA, webp: 50 * MEGA, avif: 30 * MEGA, gif: 20 * MEGA, tiff: 10 * MEGA },
    ...{ heic: 15 * MEGA, bmp: 12 * MEGA, ico: 1 * MEGA },
  },
  progressivePixels: { jpeg: 40 * MEGA, png: 25 * MEGA, tiff: 5 * MEGA },
  side: 200 * MEGA,
  animation: { frames: 20, pixels: 1_000 },
  frames: 10,
  work: {
    ...{ scannedPixels: 200 * MEGA, decodedPixels: 60 * MEGA, readings: 1, pieces: 100, channels: 5 },
    ...{ items: 200, tagPairs: 1_000, unpackedBytes: 2 * MEGA, compressedTexts: 20 },
    ...{ profileSteps: 50, profileTableBytes: 3 * MEGA },
  },
};
const header: ImageHeader = {
  format: 'jpeg',
  width: 4000,
  height: 3000,
  orientation: 1,
  frames: 1,
  progressive: false,
  hasAlpha: false,
  colourSpace: 'srgb',
};

describe('an animation', () => {
  it.each([
    ['gif', 20, 5, 10, 1, true],
    ['webp', 20, 5, 10, 1, true],
    ['gif', 21, 1, 1, 1, false],
    ['gif', 20, 5, 11, 1, false],
    // The frames of a WebP whose EXIF orientation is not upright cannot be turned.
    ['webp', 2, 5, 10, 6, false],
    ['gif', 1, 5, 10, 1, undefined],
    ['tiff', 3, 5, 10, 1, undefined],
    ['avif', 3, 5, 10, 1, undefined],
  ] as const)(
    '%s with %i frames of %i × %i, orientation %i: %s',
    (format, frames, width, height, orientation, moves) => {
      expect(staysAnimated({ ...header, format, frames, width, height, orientation }, limits)).toBe(moves);
    },
  );
});

describe('the size in the event', () => {
  it('zero is rejected as empty', () => {
    expect(rejectBytes(0, limits)).toMatchObject({
      reason: 'empty',
      message: expect.stringMatching(/empty \(0 bytes\)/),
    });
  });

  it('up to the limit is accepted; one byte more is rejected in a sentence with both numbers', () => {
    expect(rejectBytes(50 * MEGA, limits)).toBeUndefined();
    expect(rejectBytes(50 * MEGA + 1, limits)).toEqual({
      outcome: 'rejected',
      reason: 'too-many-bytes',
      message: 'The file is 50.1 MB; the limit is 50 MB. Please upload a smaller or more compressed file.',
    });
  });
});

describe('the header', () => {
  it.each([
    ['jpeg', false, 100],
    ['jpeg', true, 40],
    ['png', false, 60],
    ['png', true, 25],
    ['webp', false, 50],
    ['avif', false, 30],
    ['gif', true, 20],
    ['tiff', false, 10],
    ['tiff', true, 5],
    ['heic', false, 15],
    ['bmp', false, 12],
    ['ico', false, 1],
  ] as const)('%s, progressive %s: up to %i megapixels', (format, progressive, megapixels) => {
    const wide = { ...header, format, progressive, height: 1 };
    expect(rejectHeader({ ...wide, width: megapixels * MEGA }, limits)).toBeUndefined();
    expect(rejectHeader({ ...wide, width: megapixels * MEGA + 1 }, limits)).toMatchObject({
      outcome: 'rejected',
      reason: 'too-many-pixels',
    });
  });

  it('is rejected in a sentence with the size, the limit and what to do', () => {
    const scan = { ...header, width: 10_000, height: 5_000, progressive: true };
    expect(rejectHeader(scan, limits)?.message).toBe(
      'The image is 10,000 × 5,000 pixels (50 megapixels); the limit for progressive JPEG is 40. Please upload a smaller version.',
    );
  });

  it.each([
    ['jpeg', false, 'JPEG'],
    ['jpeg', true, 'progressive JPEG'],
    ['png', false, 'PNG'],
    ['png', true, 'interlaced PNG'],
    ['webp', false, 'WebP'],
    ['webp', true, 'WebP'],
    ['avif', false, 'AVIF'],
    ['gif', false, 'GIF'],
    ['tiff', false, 'TIFF'],
    ['tiff', true, 'tiled TIFF'],
    ['heic', false, 'HEIC'],
    ['bmp', false, 'BMP'],
    ['ico', false, 'ICO'],
  ] as const)('given %s, progressive %s, the sentence calls it %s', (format, progressive, name) => {
    const bomb = { ...header, format, progressive, width: 65_535, height: 65_535 };
    expect(rejectHeader(bomb, limits)?.message).toContain(`limit for ${name} is`);
  });

  it.each(['width', 'height'] as const)('a %s beyond the limit for each side is rejected', (side) => {
    const strip = { ...header, width: 1, height: 1 };
    expect(rejectHeader({ ...strip, [side]: 1_000 }, { ...limits, side: 1_000 })).toBeUndefined();
    expect(rejectHeader({ ...strip, [side]: 1_001 }, { ...limits, side: 1_000 })).toMatchObject({
      reason: 'too-many-pixels',
      message: expect.stringMatching(/1,001.* pixels; the limit for each side is 1,000/),
    });
  });

  it('too many frames are rejected', () => {
    expect(rejectHeader({ ...header, frames: 10 }, limits)).toBeUndefined();
    expect(rejectHeader({ ...header, frames: 11 }, limits)).toMatchObject({
      reason: 'too-many-frames',
      message: expect.stringMatching(/11 frames; the limit is 10/),
    });
  });
});

describe('the work that a file requests', () => {
  it.each<[kind: keyof Work, most: number, sentence: string]>([
    ['scannedPixels', 200 * MEGA, 'its scans add up to 200.1 megapixels; the limit is 200.'],
    ['decodedPixels', 60 * MEGA, 'its layers, tiles and rotations add up to 60.1 megapixels; the limit is 60.'],
    ['items', 200, 'it consists of 201 images and other items; the limit is 200.'],
    ['readings', 1, 'its parts add up to 2 times the file; the limit is 1.'],
    ['pieces', 100, 'it has 101 strips or tiles; the limit is 100.'],
    ['channels', 5, 'it has 6 channels; the limit is 5.'],
    ['tagPairs', 1_000, 'its directories have 1,001 pairs of tags; the limit is 1,000.'],
    ['unpackedBytes', 2 * MEGA, 'its texts and profiles unpack to at least 2.1 MB; the limit is 2.'],
    ['profileSteps', 50, 'its colour profile takes at least 51 steps for each colour; the limit is 50.'],
    ['profileTableBytes', 3 * MEGA, 'its colour profile unpacks to at least 3.1 MB; the limit is 3.'],
    ['compressedTexts', 20, 'it has at least 21 compressed texts and profiles; the limit is 20.'],
  ])('%s up to %i is accepted; one more is rejected in a sentence', (kind, most, sentence) => {
    expect(rejectWork({ [kind]: most }, limits)).toBeUndefined();
    expect(rejectWork({ [kind]: most + 1 }, limits)).toEqual({
      outcome: 'rejected',
      reason: 'too-complex',
      message: `The file is valid but too complex to process safely: ${sentence} Please export it again as a plain JPEG or PNG.`,
    });
  });

  it('that nothing bounds is called unlimited', () => {
    expect(rejectWork({ decodedPixels: Number.POSITIVE_INFINITY }, limits)?.message).toContain('unlimited');
  });
});

it.each([
  ['time', 'it takes more than 7 seconds'],
  ['memory', 'it needs more memory than we allow'],
  ['crash', 'our decoder cannot finish it'],
] as const)('a file that went beyond its %s is rejected with the reason and what to do', (bound, sentence) => {
  const given: Limits = { ...limits, seconds: { ...limits.seconds, cpuSeconds: 7 } };
  expect(rejectExcess(bound, given)).toMatchObject({
    reason: 'too-complex',
    message: `The file is valid but too complex to process safely: ${sentence}. Please export it again as a plain JPEG or PNG.`,
  });
});

describe('the default limits', () => {
  it('accept photos of every camera, and no decompression bomb', () => {
    const phone = { ...header, width: 16_320, height: 12_240 };
    expect(rejectHeader(phone, defaultLimits)).toBeUndefined();
    for (const format of inputFormats) {
      expect(rejectHeader({ ...header, format }, defaultLimits)).toBeUndefined();
      expect(rejectHeader({ ...header, format, progressive: true }, defaultLimits)).toBeUndefined();
      expect(rejectHeader({ ...header, format, width: 65_535, height: 65_535 }, defaultLimits)).toMatchObject({
        reason: 'too-many-pixels',
      });
    }
  });

  it('never allow more pixels to a decoder that holds whole images than to one that reads rows', () => {
    expect(defaultLimits.progressivePixels.jpeg).toBeLessThanOrEqual(defaultLimits.pixels.jpeg);
    expect(defaultLimits.progressivePixels.png).toBeLessThanOrEqual(defaultLimits.pixels.png);
    expect(defaultLimits.progressivePixels.tiff).toBeLessThanOrEqual(defaultLimits.pixels.tiff);
    expect(maxPixels(limits)).toBe(100 * MEGA);
  });
});
