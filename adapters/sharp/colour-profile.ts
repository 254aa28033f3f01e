import { createHash } from 'node:crypto';
import sharp from 'sharp';
import type { Bytes } from '../../core/ports.ts';
import { tiffFile } from './tiff-file.ts';

/** A colour space of renditions, by sharp's name: Display P3 is `p3`. */
export type ColourSpace = 'srgb' | 'p3';

/** Dozens of different profiles describe sRGB, so what counts is what libvips does to colours that have the profile. */
export async function isInEffect(profile: Uint8Array, space: ColourSpace): Promise<boolean> {
  const hash = `${space} ${createHash('sha256').update(profile).digest('base64')}`;
  const before = known.get(hash);
  if (before !== undefined) return before;
  const isSame = (await largestShift(profile, space)) <= MAX_SHIFT[space];
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(hash, isSame);
  return isSame;
}

// Of the rounding: the profiles that HP and Google wrote for sRGB shift a few colours by one level of 255. Apple's Display P3 shifts
// a thousandth of them by up to four, all dark; of other spaces, colours shift by more than a hundred.
const MAX_SHIFT: Readonly<Record<ColourSpace, number>> = { srgb: 1, p3: 5 };

const known = new Map<string, boolean>();
// Cameras and programs use few profiles; uploads with many different ones must not fill the memory.
const MAX_KNOWN = 100;

async function largestShift(profile: Uint8Array, space: ColourSpace): Promise<number> {
  const { file, pixels } = tiffFile({ width: STEPS * STEPS, height: STEPS, channels: 3 }, profile);
  pixels.set(cube);
  // Otherwise sharp converts to sRGB first, which clips what is outside of it.
  const ignoreIcc = space !== 'srgb';
  const picture = sharp(file, { failOn: 'none', ignoreIcc }).toColourspace('srgb');
  const converted = await (space === 'srgb' ? picture : picture.withIccProfile(space)).raw().toBuffer();
  return cube.reduce((largest, value, at) => Math.max(largest, Math.abs(value - (converted[at] ?? Number.NaN))), 0);
}

let p3: Promise<Buffer> | undefined;

/** As libvips writes it. */
export function displayP3Profile(): Promise<Uint8Array> {
  p3 ??= writtenProfile();
  return p3;
}

async function writtenProfile(): Promise<Buffer> {
  const pixel = sharp({ create: { width: 1, height: 1, channels: 3, background: '#000000' } });
  const { icc } = await sharp(await pixel.withIccProfile('p3').png().toBuffer()).metadata();
  if (icc === undefined) throw new Error('libvips wrote no profile for Display P3.');
  return icc;
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
