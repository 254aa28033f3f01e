import sharp, { type Sharp } from 'sharp';
import type { ImageHeader } from '../../core/metadata.ts';
import type { Bytes, EncodedRendition } from '../../core/ports.ts';
import type { Preset } from '../../core/presets.ts';
import { renditionSize, type Size } from '../../core/rendition.ts';

/** Decoded pixels, eight bits per channel, row by row: the source of all renditions. */
export interface Pixels extends Size {
  readonly channels: 1 | 2 | 3 | 4;
  readonly data: Bytes;
}

export async function pixelsOf(image: Sharp): Promise<Pixels> {
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: info.channels, data };
}

/**
 * Makes each size from the next larger one, one operation at a time, because parallel operations would only need more
 * memory. No visible difference from sizes made of the full image: compared with Pillow's in test/fixtures/pyramid.
 */
export async function renderPyramid(
  base: Pixels,
  header: ImageHeader,
  presets: readonly Preset[],
): Promise<readonly EncodedRendition[]> {
  const renditions = new Map<Preset, EncodedRendition>();
  let pixels = base;
  for (const size of sizesDownwards(header, presets)) {
    pixels = await shrink(pixels, size);
    for (const preset of presets.filter((candidate) => renditionSize(header, candidate).width === size.width)) {
      renditions.set(preset, { preset, bytes: await encode(pixels, preset), ...size });
    }
  }
  return presets.flatMap((preset) => renditions.get(preset) ?? []);
}

/** The distinct sizes of the presets, largest first. */
export function sizesDownwards(header: ImageHeader, presets: readonly Preset[]): readonly Size[] {
  const sizes = presets.map((preset) => renditionSize(header, preset));
  return [...new Map(sizes.map((size) => [size.width, size])).values()].sort((a, b) => b.width - a.width);
}

async function shrink(pixels: Pixels, size: Size): Promise<Pixels> {
  return size.width === pixels.width ? pixels : pixelsOf(fromPixels(pixels).resize({ ...size, fit: 'fill' }));
}

async function encode(pixels: Pixels, preset: Preset): Promise<Bytes> {
  return encoder(fromPixels(pixels), preset).toBuffer();
}

/** The cheapest settings for the visible quality: docs/decisions/0006-image-work.md has the measurements. */
export function encoder(image: Sharp, { format, quality, effort }: Preset): Sharp {
  const work = effort === undefined ? {} : { effort };
  switch (format) {
    case 'webp':
      return image.webp({ quality, ...work });
    case 'avif':
      return image.avif({ quality, ...work, chromaSubsampling: '4:2:0' });
    case 'jpeg':
      return image.flatten({ background: '#ffffff' }).jpeg({ quality, quantisationTable: 3 });
  }
}

function fromPixels({ width, height, channels, data }: Pixels): Sharp {
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
}
