import sharp, { type Sharp } from 'sharp';
import type { ImageHeader } from '../../core/metadata.ts';
import type { Bytes, EncodedRendition } from '../../core/ports.ts';
import type { Preset } from '../../core/presets.ts';
import { renditionSize, type Size } from '../../core/rendition.ts';

/** Decoded pixels, eight bits a channel, in rows: what all renditions are made of. */
export interface Pixels extends Size {
  readonly channels: 1 | 2 | 3 | 4;
  readonly data: Bytes;
}

// Of one operation: far beyond what any picture within the limits takes. The function's own timeout bounds them all.
export const TIMEOUT = { seconds: 25 };

export async function pixelsOf(picture: Sharp): Promise<Pixels> {
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: info.channels, data };
}

/**
 * Each size from the next larger one, one operation at a time: side by side they would only add up their memory.
 * The eye cannot tell them from sizes made of the whole picture: test/fixtures/pyramid holds Pillow's for comparison.
 */
export async function renderPyramid(
  base: Pixels,
  header: ImageHeader,
  presets: readonly Preset[],
): Promise<readonly EncodedRendition[]> {
  const pictures = new Map<Preset, EncodedRendition>();
  let pixels = base;
  for (const size of sizesDownwards(header, presets)) {
    pixels = await shrink(pixels, size);
    for (const preset of presets.filter((candidate) => renditionSize(header, candidate).width === size.width)) {
      pictures.set(preset, { preset, bytes: await encode(pixels, preset), ...size });
    }
  }
  return presets.flatMap((preset) => pictures.get(preset) ?? []);
}

/** Every size that the presets ask for, once each, largest first. */
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

/** Settings that cost the least for what the eye sees: docs/decisions/0006-image-work.md has the figures. */
export function encoder(picture: Sharp, { format, quality, effort }: Preset): Sharp {
  const work = effort === undefined ? {} : { effort };
  switch (format) {
    case 'webp':
      return picture.webp({ quality, ...work });
    case 'avif':
      return picture.avif({ quality, ...work, chromaSubsampling: '4:2:0' });
    case 'jpeg':
      return picture.flatten({ background: '#ffffff' }).jpeg({ quality, quantisationTable: 3 });
  }
}

function fromPixels({ width, height, channels, data }: Pixels): Sharp {
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false }).timeout(TIMEOUT);
}
