import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { firstDirectory, numbersOf, openTiff } from '../../adapters/sharp/tiff-directory.ts';
import { type PixelLayout, tiffFile } from '../../adapters/sharp/tiff-file.ts';
import type { Bytes } from '../../core/ports.ts';

const layouts = ([8, 16] as const).flatMap((bitsPerChannel) =>
  ([1, 2, 3, 4] as const).flatMap((channels) =>
    [
      { width: 7, height: 5 },
      // A few bytes more than one strip.
      { width: 5000, height: Math.ceil((1_010_000 * 8) / (5000 * channels * bitsPerChannel)) },
      { width: 1, height: 1 },
    ].map((size): [string, PixelLayout] => [
      `${size.width} × ${size.height}, ${channels} × ${bitsPerChannel} bits`,
      { ...size, channels, bitsPerChannel },
    ]),
  ),
);

describe('pixels in a TIFF', () => {
  it.each(layouts)('%s: libtiff reads them as they are', async (_, layout) => {
    const noise = noiseFor(layout);
    const metadata = await sharp(fileOf(layout)).metadata();
    expect(metadata).toMatchObject({
      format: 'tiff',
      width: layout.width,
      height: layout.height,
      channels: layout.channels,
      depth: layout.bitsPerChannel === 16 ? 'ushort' : 'uchar',
      hasAlpha: layout.channels % 2 === 0,
    });
    const whole = sharp(fileOf(layout)).pipelineColourspace(metadata.space).toColourspace(metadata.space);
    for (const channel of ([0, 1, 2, 3] as const).slice(0, layout.channels)) {
      const one = whole.clone().extractChannel(channel);
      const read = await one.raw({ depth: layout.bitsPerChannel === 16 ? 'ushort' : 'uchar' }).toBuffer();
      expect([channel, read.equals(channelOf(noise, channel, layout))]).toEqual([channel, true]);
    }
  });

  it('fill strips of at most a million bytes, and then end the file', () => {
    const layout: PixelLayout = { width: 5000, height: 150, channels: 3 };
    const file = fileOf(layout);
    const tiff = openTiff(file);
    const directory = tiff && firstDirectory(tiff);
    const strips = directory?.get(273)?.count ?? 0;
    const numbers = (tag: number) => (tiff && numbersOf(tiff, directory?.get(tag), strips)) ?? [];
    const [offsets, lengths] = [numbers(273), numbers(279)];
    expect(strips).toBeGreaterThan(1);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(1_000_000);
    expect(offsets.map((offset, strip) => offset + (lengths[strip] ?? 0))).toEqual([...offsets.slice(1), file.length]);
  });

  it.each([3145, 3144])('have the profile of %i bytes that was passed', async (length) => {
    const icc = (await sharp(await flatP3()).metadata()).icc ?? Buffer.of();
    const padded = new Uint8Array(Math.max(length, icc.length));
    padded.set(icc);
    const file = fileOf({ width: 3, height: 2, channels: 3 }, padded);
    expect((await sharp(file).metadata()).icc?.equals(padded)).toBe(true);
  });
});

function fileOf(layout: PixelLayout, icc?: Uint8Array): Bytes {
  const { file, pixels } = tiffFile(layout, icc);
  pixels.set(noiseFor(layout));
  return file;
}

function noiseFor({ width, height, channels, bitsPerChannel = 8 }: PixelLayout): Buffer {
  const noise = Buffer.alloc((width * height * channels * bitsPerChannel) / 8);
  for (let at = 0; at < noise.length; at += 1) noise[at] = (at * 7919 + (at >> 7)) % 251;
  return noise;
}

function channelOf(pixels: Buffer, channel: number, { channels, bitsPerChannel = 8 }: PixelLayout): Buffer {
  const size = bitsPerChannel / 8;
  const one = Buffer.alloc(pixels.length / channels);
  for (let at = 0; at < one.length; at += 1) {
    const pixel = Math.floor(at / size);
    one[at] = pixels[(pixel * channels + channel) * size + (at % size)] ?? 0;
  }
  return one;
}

function flatP3(): Promise<Buffer> {
  const create = { width: 1, height: 1, channels: 3, background: '#808080' } as const;
  return sharp({ create }).withIccProfile('p3').png().toBuffer();
}
