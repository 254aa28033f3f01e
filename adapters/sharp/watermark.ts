import sharp, { type OverlayOptions } from 'sharp';
import type { Watermark } from '../../core/presets.ts';
import { type Size, watermarkBox } from '../../core/rendition.ts';
import type { ColourSpace } from './colour-profile.ts';
import { fromPixels, type Pixels, pixelsOf } from './pixels.ts';

/** Blends the watermark into its corner; sharp's `composite` would process the whole picture for that. */
export async function withWatermark<Picture extends Pixels>(
  pixels: Picture,
  watermark: Watermark,
  space: ColourSpace = 'srgb',
): Promise<Picture> {
  const mark = await markOf(watermark.png, space);
  const { left, top, ...size } = watermarkBox(pixels, mark, watermark);
  const scaled = await pixelsOf(fromPixels(mark).resize({ ...size, fit: 'fill' }));
  const blended = { ...pixels, data: new Uint8Array(pixels.data) };
  for (let y = 0; y < size.height; y += 1) {
    for (let x = 0; x < size.width; x += 1) {
      const under = ((top + y) * pixels.width + left + x) * pixels.channels;
      blendPixel(blended, under, scaled.data.subarray((y * size.width + x) * 4), watermark.opacity);
    }
  }
  return blended;
}

/** A watermark and transparency: a layer for each frame of an animation. */
export async function watermarkLayer(size: Size, watermark: Watermark): Promise<OverlayOptions> {
  const transparent: Pixels = { ...size, channels: 4, data: new Uint8Array(size.width * size.height * 4) };
  const { data, width, height, channels } = await withWatermark(transparent, watermark);
  return { input: Buffer.from(data.buffer), raw: { width, height, channels }, tile: true };
}

// Presets hold the same text each time, so each watermark is decoded once for all images.
const marks = new Map<string, Promise<Pixels>>();

function markOf(png: string, space: ColourSpace): Promise<Pixels> {
  const known = marks.get(`${space} ${png}`);
  if (known !== undefined) return known;
  const image = sharp(Buffer.from(png, 'base64')).toColourspace('srgb').ensureAlpha();
  const mark = pixelsOf(space === 'srgb' ? image : image.withIccProfile(space));
  marks.set(`${space} ${png}`, mark);
  return mark;
}

/** Porter and Duff's "over": https://www.w3.org/TR/compositing-1/#porterduffcompositingoperators_srcover */
function blendPixel(
  { data, channels }: Pixels,
  at: number,
  [red = 0, green = 0, blue = 0, alpha = 0]: Uint8Array,
  opacity: number,
) {
  const colours = channels < 3 ? [luminance(red, green, blue)] : [red, green, blue];
  const alphaAt = channels % 2 === 0 ? at + channels - 1 : undefined;
  const above = (alpha / 255) * opacity;
  const below = alphaAt === undefined ? 1 : ((data[alphaAt] ?? 0) / 255) * (1 - above);
  const visible = alphaAt === undefined ? 1 : above + below;
  if (visible === 0) return;
  const rest = alphaAt === undefined ? 1 - above : below;
  for (const [channel, colour] of colours.entries()) {
    data[at + channel] = Math.round((colour * above + (data[at + channel] ?? 0) * rest) / visible);
  }
  if (alphaAt !== undefined) data[alphaAt] = Math.round(visible * 255);
}

/** Of a colour on a grey picture. */
function luminance(red: number, green: number, blue: number): number {
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
