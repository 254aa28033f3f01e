import { createHash } from 'node:crypto';
import sharp from 'sharp';
import type { Bytes } from '../../core/ports.ts';
import { type Pixels, pixelsOf } from './pyramid.ts';
import { tiffFile } from './tiff-file.ts';

/** Converts pixels in the colours of an RGB profile to sRGB. Pixels of a profile that is sRGB in effect stay as they are. */
export async function toSrgb(pixels: Pixels, profile: Uint8Array): Promise<Pixels> {
  return (await isSrgbInEffect(profile)) ? pixels : converted(pixels, profile);
}

/** As libvips converts an upload with this profile; a profile that it cannot use changes nothing. */
function converted({ data, ...layout }: Pixels, profile: Uint8Array): Promise<Pixels> {
  const { file, pixels } = tiffFile(layout, profile);
  pixels.set(data);
  return pixelsOf(sharp(file, { limitInputPixels: false }).toColourspace('srgb'));
}

// ── Profiles of sRGB ────────────────────────────────────────────────────────────────────────────────────────────────

// Dozens of different files describe sRGB, so what counts is what a profile does to these colours.
const STEPS = 17;
const cube: Pixels = { width: STEPS * STEPS, height: STEPS, channels: 3, data: colours() };

// Of the rounding: the profiles that HP and Google wrote for sRGB shift a few colours by one level of 255.
const MAX_SHIFT = 1;

const known = new Map<string, boolean>();
// Cameras and programs use few profiles; uploads with many different ones must not fill the memory.
const MAX_KNOWN = 100;

async function isSrgbInEffect(profile: Uint8Array): Promise<boolean> {
  const hash = createHash('sha256').update(profile).digest('base64');
  const before = known.get(hash);
  if (before !== undefined) return before;
  const { data } = await converted(cube, profile);
  const isSrgb = data.every((value, at) => Math.abs(value - (cube.data[at] ?? 0)) <= MAX_SHIFT);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(hash, isSrgb);
  return isSrgb;
}

function colours(): Bytes {
  const levels = Array.from({ length: STEPS }, (_, step) => Math.round((255 * step) / (STEPS - 1)));
  return new Uint8Array(
    levels.flatMap((red) => levels.flatMap((green) => levels.flatMap((blue) => [red, green, blue]))),
  );
}
