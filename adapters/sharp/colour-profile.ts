import { createHash } from 'node:crypto';
import sharp from 'sharp';
import type { Bytes } from '../../core/ports.ts';
import { tiffFile } from './tiff-file.ts';

/** Dozens of different profiles describe sRGB, so what counts is what libvips does to colours that have the profile. */
export async function isSrgbInEffect(profile: Uint8Array): Promise<boolean> {
  const hash = createHash('sha256').update(profile).digest('base64');
  const before = known.get(hash);
  if (before !== undefined) return before;
  const isSrgb = (await largestShift(profile)) <= MAX_SHIFT;
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(hash, isSrgb);
  return isSrgb;
}

// Of the rounding: the profiles that HP and Google wrote for sRGB shift a few colours by one level of 255.
const MAX_SHIFT = 1;

const known = new Map<string, boolean>();
// Cameras and programs use few profiles; uploads with many different ones must not fill the memory.
const MAX_KNOWN = 100;

async function largestShift(profile: Uint8Array): Promise<number> {
  const { file, pixels } = tiffFile({ width: STEPS * STEPS, height: STEPS, channels: 3 }, profile);
  pixels.set(cube);
  const inSrgb = await sharp(file, { failOn: 'none' }).toColourspace('srgb').raw().toBuffer();
  return cube.reduce((largest, value, at) => Math.max(largest, Math.abs(value - (inSrgb[at] ?? Number.NaN))), 0);
}

/** Colours at equal distances, black and white included. */
const STEPS = 17;
const cube = colours();

function colours(): Bytes {
  const levels = Array.from({ length: STEPS }, (_, step) => Math.round((255 * step) / (STEPS - 1)));
  return new Uint8Array(
    levels.flatMap((red) => levels.flatMap((green) => levels.flatMap((blue) => [red, green, blue]))),
  );
}
