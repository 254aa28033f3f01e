import sharp, { type ResizeOptions, type Metadata as SharpMetadata, type SharpOptions } from 'sharp';
import type { Bytes } from '../../core/ports.ts';
import type { ColourSpace } from './colour-profile.ts';
import { type Pixels, pixelsOf } from './pixels.ts';
import { tiffFile } from './tiff-file.ts';

export interface SharpInput {
  readonly bytes: Bytes;
  readonly options: SharpOptions;
}

interface Layout extends Pick<SharpMetadata, 'space' | 'depth' | 'hasAlpha'> {
  readonly isPremultiplied: boolean;
}

/**
 * Scales an image first, with the numbers as stored, and then converts it from an RGB profile to `target`: for numbers with a
 * fraction, grey with 16 bits, and profiles that are not part of the file, to all of which libvips applies none.
 */
export async function decodeWithProfile(
  input: SharpInput,
  size: ResizeOptions,
  profile: Uint8Array,
  { space, depth, hasAlpha, isPremultiplied }: Layout,
  target: ColourSpace,
): Promise<Pixels> {
  const stored = await storedNumbers(input, size, isGrey(space), depth);
  const [channels, bitsPerChannel] = [hasAlpha ? 4 : 3, depth === 'uchar' ? 8 : 16] as const;
  const { file, pixels } = tiffFile({ width: stored.width, height: stored.height, channels, bitsPerChannel }, profile);
  fill(pixels, bitsPerChannel, channels, stored);
  if (isPremultiplied && bitsPerChannel === 8) unmultiply(pixels);
  const isDefault = bitsPerChannel === 8 && target === 'srgb';
  // With eight bits, sharp converts to sRGB first, which clips what is outside of it.
  const ignoreIcc = bitsPerChannel === 8 && target !== 'srgb';
  const converted = sharp(file, { limitInputPixels: false, ignoreIcc }).toColourspace('srgb');
  return pixelsOf(isDefault ? converted : converted.withIccProfile(target));
}

interface StoredNumbers {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Of 0 … 255 or 0 … 65,535. */
  readonly at: (index: number) => number;
}

/** What libvips calls grey and RGB with these numbers. */
const spaces = { uchar: ['b-w', 'srgb'], ushort: ['grey16', 'rgb16'], float: ['b-w', 'scrgb'] } as const;

async function storedNumbers(
  { bytes, options }: SharpInput,
  size: ResizeOptions,
  grey: boolean,
  depth: SharpMetadata['depth'],
): Promise<StoredNumbers> {
  const kind = depth === 'uchar' || depth === 'float' ? depth : 'ushort';
  const space = spaces[kind][grey ? 0 : 1];
  const { data, info } = await sharp(bytes, { ...options, ignoreIcc: true })
    .pipelineColourspace(space)
    .toColourspace(space)
    .resize(size)
    .raw({ depth: kind })
    .toBuffer({ resolveWithObject: true });
  return { ...info, at: numbersOf(data, depth) };
}

/** Grey becomes three equal colours. */
function fill(target: Uint8Array, bits: 8 | 16, channels: 3 | 4, stored: StoredNumbers): void {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  const lastColour = stored.channels < 3 ? 0 : 2;
  for (let index = 0; index < stored.width * stored.height * channels; index += 1) {
    const [pixel, channel] = [Math.floor(index / channels), index % channels];
    const from = channel === 3 ? lastColour + 1 : Math.min(channel, lastColour);
    const value = stored.at(pixel * stored.channels + from);
    if (bits === 8) target[index] = value;
    else view.setUint16(index * 2, value, true);
  }
}

export function isGrey(space: string): boolean {
  return space === 'b-w' || space === 'grey16';
}

function numbersOf(data: Buffer, depth: SharpMetadata['depth']): (index: number) => number {
  if (depth === 'uchar') return (index) => data[index] ?? 0;
  if (depth !== 'float') return (index) => data.readUInt16LE(index * 2);
  return (index) => {
    const value = data.readFloatLE(index * 4);
    return value > 0 ? Math.min(65_535, Math.round(value * 65_535)) : 0;
  };
}

/** Divides the colours by the transparency that they are multiplied by. */
export function unmultiplied(pixels: Pixels): Pixels {
  if (pixels.channels === 4) unmultiply(pixels.data);
  return pixels;
}

function unmultiply(rgba: Uint8Array): void {
  for (let at = 0; at + 3 < rgba.length; at += 4) {
    const alpha = rgba[at + 3] ?? 0;
    if (alpha === 0 || alpha === 255) continue;
    for (let channel = at; channel < at + 3; channel += 1) {
      rgba[channel] = Math.min(255, Math.round(((rgba[channel] ?? 0) * 255) / alpha));
    }
  }
}

/** Red, green, blue and alpha of any pixels. */
export function withAlpha({ width, height, channels, data }: Pixels) {
  const rgba = new Uint8Array(width * height * 4);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const at = pixel * channels;
    const [first = 0, second = 0, third = 0, fourth = 0] = data.subarray(at, at + channels);
    const colour = channels < 3 ? [first, first, first] : [first, second, third];
    rgba.set([...colour, channels === 4 ? fourth : channels === 2 ? second : 255], pixel * 4);
  }
  return { width, height, rgba };
}
