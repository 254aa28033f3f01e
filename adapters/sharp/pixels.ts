import sharp, { type Sharp } from 'sharp';
import type { Bytes } from '../../core/ports.ts';
import type { Size } from '../../core/rendition.ts';
import type { ColourSpace } from './colour-profile.ts';

/** Decoded pixels, eight bits per channel, row by row. */
export interface Pixels extends Size {
  readonly channels: 1 | 2 | 3 | 4;
  readonly data: Bytes;
}

/** Of a picture whose colours are in one space. */
export interface ColouredPixels extends Pixels {
  readonly space: ColourSpace;
}

export async function pixelsOf(image: Sharp): Promise<Pixels> {
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: info.channels, data };
}

export function fromPixels({ width, height, channels, data }: Pixels): Sharp {
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
}
