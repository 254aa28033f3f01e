import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { tiffFile } from '../../adapters/sharp/tiff-file.ts';
import type { Bytes } from '../../core/ports.ts';
import type { Preset, RenditionFormat } from '../../core/presets.ts';
import { openImage } from '../support/open-image.ts';
import type { Raster } from '../support/ssim.ts';

const codec = sharpImageCodec();

describe('a photograph with a colour profile', () => {
  it.each(['sRGB-v2-micro', 'sRGB-v4', 'DisplayP3-v4', 'AdobeCompat-v2', 'ProPhoto-v4', 'Rec709-v4'])(
    '%s: is as in sRGB according to LittleCMS, which converts each pixel before scaling',
    async (profile) => {
      const rendition = blocksOf(await rasterOf(await rendered(await fixture(`${profile}.jpg`), 96)));
      const reference = blocksOf(await rasterOf(await fixture(`${profile}.png`)));
      expect(meanDifference(rendition, reference)).toBeLessThan(1);
    },
  );

  it.each(['sRGB-v2-micro', 'sRGB-v4'])('%s: has the same renditions as without it', async (profile) => {
    const [tagged, untagged] = [await fixture(`${profile}.jpg`), await fixture('none.jpg')];
    for (const width of [96, 320]) {
      expect(Buffer.compare(await rendered(tagged, width), await rendered(untagged, width))).toBe(0);
    }
  });

  it('that fits no RGB image has the same renditions as without it', async () => {
    const layout = { width: 64, height: 64, channels: 3 } as const;
    const garbage = Uint8Array.from({ length: 200 }, (_, at) => (at * 7) % 251);
    const [tagged, untagged] = [tiffFile(layout, garbage), tiffFile(layout)];
    const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, at) => (at * 7919) % 256);
    for (const { pixels } of [tagged, untagged]) pixels.set(noise);
    expect((await sharp(tagged.file).metadata()).icc).toHaveLength(garbage.length);
    expect(Buffer.compare(await rendered(tagged.file, 32), await rendered(untagged.file, 32))).toBe(0);
  });

  it('keeps its transparency', async () => {
    const layout = { width: 32, height: 32, channels: 4 } as const;
    // Half transparent; in Display P3, sRGB's red has these numbers (CSS Color 4).
    const colour = [234, 51, 35, 128];
    const { file, pixels } = tiffFile(layout, await readFile('test/fixtures/profiles/DisplayP3-v4.icc'));
    pixels.set(Array.from(pixels, (_, at) => colour[at % 4] ?? 0));
    const { channels, data } = await rasterOf(await rendered(file, 16, 'webp'));
    expect(channels).toBe(4);
    for (const [at, value] of [255, 0, 0, 128].entries()) expect(Math.abs((data[at] ?? 0) - value)).toBeLessThan(4);
  });
});

async function fixture(name: string): Promise<Bytes> {
  return new Uint8Array(await readFile(`test/fixtures/profiles/${name}`));
}

const encodings = { webp: { format: 'webp' }, avif: { format: 'avif' }, jpeg: { format: 'jpeg' } } as const;

async function rendered(bytes: Bytes, width: number, format: RenditionFormat = 'jpeg'): Promise<Bytes> {
  const preset: Preset = { name: 'exact', width, quality: 100, ...encodings[format] };
  const result = await (await openImage(codec, bytes)).render([preset]);
  const [rendition] = result.outcome === 'rendered' ? result.renditions : [];
  if (!rendition) throw new Error('no rendition');
  return rendition.bytes;
}

async function rasterOf(bytes: Bytes): Promise<Raster> {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: info.channels, data };
}

const BLOCK = 8;

/** The mean colour of each block, in which the encoder's own error averages out. */
function blocksOf({ width, height, channels, data }: Raster): readonly number[] {
  const perRow = Math.floor(width / BLOCK);
  const sums = Array.from({ length: perRow * Math.floor(height / BLOCK) * 3 }, () => 0);
  for (let at = 0; at < width * height; at += 1) {
    const block = Math.floor(at / width / BLOCK) * perRow + Math.floor((at % width) / BLOCK);
    for (const channel of [0, 1, 2]) {
      const index = block * 3 + channel;
      sums[index] = (sums[index] ?? Number.NaN) + (data[at * channels + channel] ?? Number.NaN);
    }
  }
  return sums.map((sum) => sum / BLOCK ** 2);
}

function meanDifference(one: readonly number[], other: readonly number[]): number {
  expect(one.length).toBe(other.length);
  return one.reduce((sum, value, at) => sum + Math.abs(value - (other[at] ?? Number.NaN)), 0) / one.length;
}
