import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Pixels } from '../../adapters/sharp/pixels.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { withWatermark } from '../../adapters/sharp/watermark.ts';
import { corners, type Watermark } from '../../core/presets.ts';

sharpImageCodec();

const png = async (colour: string, width = 20, height = 10) =>
  (
    await sharp({ create: { width, height, channels: 4, background: colour } })
      .png()
      .toBuffer()
  ).toString('base64');

const filled = (width: number, height: number, colour: readonly number[]): Pixels => {
  const channels = colour.length;
  if (channels !== 1 && channels !== 2 && channels !== 3 && channels !== 4) throw new Error('a colour');
  const data = new Uint8Array(width * height * channels);
  for (let at = 0; at < data.length; at += channels) data.set(colour, at);
  return { width, height, channels, data };
};

const pixelAt = ({ width, channels, data }: Pixels, x: number, y: number) => [
  ...data.subarray((y * width + x) * channels, (y * width + x + 1) * channels),
];

/** The smallest rectangle that contains all changed pixels. */
const changed = (before: Pixels, after: Pixels) => {
  const places = Array.from(
    { length: before.width * before.height },
    (_, at) => [at % before.width, Math.floor(at / before.width)] as const,
  ).filter(([x, y]) => `${pixelAt(before, x, y)}` !== `${pixelAt(after, x, y)}`);
  const [across, down] = [places.map(([x]) => x), places.map(([, y]) => y)];
  return { left: Math.min(...across), top: Math.min(...down), right: Math.max(...across), bottom: Math.max(...down) };
};

const grey = filled(200, 100, [100, 100, 100]);
const mark = async (options: Partial<Watermark> = {}): Promise<Watermark> => ({
  png: await png('#ff0000'),
  corner: 'bottom-right',
  share: 0.2,
  opacity: 1,
  ...options,
});

describe('a watermark', () => {
  // 200 × 100 px: 40 px wide, so 20 px high, and 4 px from the edges.
  it.each([
    ['top-left', { left: 4, top: 4, right: 43, bottom: 23 }],
    ['top-right', { left: 156, top: 4, right: 195, bottom: 23 }],
    ['bottom-left', { left: 4, top: 76, right: 43, bottom: 95 }],
    ['bottom-right', { left: 156, top: 76, right: 195, bottom: 95 }],
  ] as const)('changes only the pixels in its corner: %s', async (corner, box) => {
    const marked = await withWatermark(grey, await mark({ corner }));
    expect(changed(grey, marked)).toEqual(box);
    expect(pixelAt(marked, box.left, box.top)).toEqual([255, 0, 0]);
  });

  it('does not change the pixels that it is given: other renditions are made from them', async () => {
    await withWatermark(grey, await mark());
    expect(grey).toEqual(filled(200, 100, [100, 100, 100]));
  });

  it.each([
    ['opaque', '#ff0000', 1, [255, 0, 0]],
    ['half opaque by its preset', '#ff0000', 0.5, [178, 50, 50]],
    ['half opaque by its own transparency', '#ff000080', 1, [178, 50, 50]],
    ['transparent', '#ff000000', 1, [100, 100, 100]],
  ])('that is %s blends with the picture', async (_, colour, opacity, expected) => {
    const marked = await withWatermark(grey, await mark({ png: await png(colour), opacity }));
    for (const [channel, value] of pixelAt(marked, 175, 85).entries()) {
      expect(Math.abs(value - (expected[channel] ?? 0))).toBeLessThanOrEqual(1);
    }
  });

  it.each([
    ['a transparent picture', [0, 0, 0, 0], [255, 0, 0, 128]],
    ['an opaque picture with an alpha channel', [100, 100, 100, 255], [178, 50, 50, 255]],
    // The luminance of red is 0.2126.
    ['a grey picture', [100], [77]],
  ])('is visible on %s', async (_, colour, expected) => {
    const marked = await withWatermark(filled(200, 100, colour), await mark({ opacity: 0.5 }));
    for (const [channel, value] of pixelAt(marked, 175, 85).entries()) {
      expect(Math.abs(value - (expected[channel] ?? 0))).toBeLessThanOrEqual(1);
    }
  });

  it.each([
    [1, 1],
    [3, 200],
    [200, 3],
  ])('stays within a picture of %i × %i', async (width, height) => {
    const tiny = filled(width, height, [100, 100, 100]);
    for (const corner of corners) {
      const marked = await withWatermark(tiny, await mark({ corner, share: 1 }));
      expect(marked.data.length).toBe(tiny.data.length);
      expect(marked.data).not.toEqual(tiny.data);
    }
  });
});
