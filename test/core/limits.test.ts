import { describe, expect, it } from 'vitest';
import { admitBytes, admitHeader, defaultLimits, type Limits, mostPixels } from '../../core/limits.ts';
import { type ImageHeader, inputFormats } from '../../core/metadata.ts';

const MEGA = 1_000_000;
const limits: Limits = {
  bytes: 50 * MEGA,
  pixels: { jpeg: 100 * MEGA, png: 60 * MEGA, webp: 50 * MEGA, avif: 30 * MEGA, gif: 20 * MEGA, tiff: 10 * MEGA },
  progressivePixels: { jpeg: 40 * MEGA, png: 25 * MEGA, tiff: 5 * MEGA },
  side: 200 * MEGA,
  frames: 10,
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

describe('the size that the event names', () => {
  it('empty is refused as empty', () => {
    expect(admitBytes(0, limits)).toMatchObject({
      reason: 'empty',
      message: expect.stringMatching(/empty \(0 bytes\)/),
    });
  });

  it('exactly the limit is let in, one byte more is not, and the sentence tells both figures', () => {
    expect(admitBytes(50 * MEGA, limits)).toBeUndefined();
    expect(admitBytes(50 * MEGA + 1, limits)).toEqual({
      outcome: 'rejected',
      reason: 'too-many-bytes',
      message: 'The file has 50.1 MB, and 50 MB are allowed. Please upload a smaller or more compressed file.',
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
  ] as const)('%s, progressive %s: up to %i megapixels', (format, progressive, megapixels) => {
    const wide = { ...header, format, progressive, height: 1 };
    expect(admitHeader({ ...wide, width: megapixels * MEGA }, limits)).toBeUndefined();
    expect(admitHeader({ ...wide, width: megapixels * MEGA + 1 }, limits)).toMatchObject({
      outcome: 'rejected',
      reason: 'too-many-pixels',
    });
  });

  it('says in a sentence what was found, what is allowed, and what to do', () => {
    const scan = { ...header, width: 10_000, height: 5_000, progressive: true };
    expect(admitHeader(scan, limits)?.message).toBe(
      'The picture has 10000 × 5000 = 50 megapixels, and 40 are allowed for progressive JPEG. Please upload it at a smaller size.',
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
    ['tiff', true, 'TIFF in tiles'],
  ] as const)('calls %s, progressive %s, by the name people know: %s', (format, progressive, name) => {
    const bomb = { ...header, format, progressive, width: 65_535, height: 65_535 };
    expect(admitHeader(bomb, limits)?.message).toContain(`allowed for ${name}.`);
  });

  it.each(['width', 'height'] as const)('no %s may be longer than a decoder has memory for', (side) => {
    const strip = { ...header, width: 1, height: 1 };
    expect(admitHeader({ ...strip, [side]: 1_000 }, { ...limits, side: 1_000 })).toBeUndefined();
    expect(admitHeader({ ...strip, [side]: 1_001 }, { ...limits, side: 1_000 })).toMatchObject({
      reason: 'too-many-pixels',
      message: expect.stringMatching(/1001.* pixels, and 1000 are allowed on a side/),
    });
  });

  it('frames are counted', () => {
    expect(admitHeader({ ...header, frames: 10 }, limits)).toBeUndefined();
    expect(admitHeader({ ...header, frames: 11 }, limits)).toMatchObject({
      reason: 'too-many-frames',
      message: expect.stringMatching(/11 frames, and 10 are allowed/),
    });
  });
});

describe('the default limits', () => {
  it('let every camera’s photo in, and no bomb', () => {
    const phone = { ...header, width: 16_320, height: 12_240 };
    expect(admitHeader(phone, defaultLimits)).toBeUndefined();
    for (const format of inputFormats) {
      expect(admitHeader({ ...header, format }, defaultLimits)).toBeUndefined();
      expect(admitHeader({ ...header, format, progressive: true }, defaultLimits)).toBeUndefined();
      expect(admitHeader({ ...header, format, width: 65_535, height: 65_535 }, defaultLimits)).toMatchObject({
        reason: 'too-many-pixels',
      });
    }
  });

  it('never let a decoder hold more than it holds row by row', () => {
    expect(defaultLimits.progressivePixels.jpeg).toBeLessThanOrEqual(defaultLimits.pixels.jpeg);
    expect(defaultLimits.progressivePixels.png).toBeLessThanOrEqual(defaultLimits.pixels.png);
    expect(defaultLimits.progressivePixels.tiff).toBeLessThanOrEqual(defaultLimits.pixels.tiff);
    expect(mostPixels(limits)).toBe(100 * MEGA);
  });
});
