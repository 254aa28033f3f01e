import sharp, { type Sharp } from 'sharp';
import type { ImageHeader } from '../../core/metadata.ts';
import type { Bytes, EncodedRendition } from '../../core/ports.ts';
import type { Preset } from '../../core/presets.ts';
import { cropOf, type FocusPoint, isSameSize, type Placement, placementOf, type Size } from '../../core/rendition.ts';
import { type ColourSpace, displayP3Profile } from './colour-profile.ts';
import { type ColouredPixels, fromPixels, type Pixels, pixelsOf } from './pixels.ts';
import { tiffFile } from './tiff-file.ts';
import { withWatermark } from './watermark.ts';

/**
 * Makes each size from the next larger one, one operation at a time, because parallel operations would only need more
 * memory. No visible difference from sizes made of the full image: compared with Pillow's in test/fixtures/pyramid.
 *
 * A cropped or padded rendition is made from the smallest of these sizes that is large enough, and no other is made from it.
 */
export async function renderPyramid(
  base: ColouredPixels,
  header: ImageHeader,
  presets: readonly Preset[],
  focus?: FocusPoint,
): Promise<readonly EncodedRendition[]> {
  const renditions = new Map<Preset, EncodedRendition>();
  let level: Pixels = base;
  for (const [preset, placement] of placedDownwards(header, presets)) {
    const isBoxed = preset.fit === 'cover' || preset.fit === 'pad';
    if (!isBoxed) level = await shrink(level, placement.picture);
    const coloured = await withColoursIn(base.space, preset);
    const pixels = isBoxed ? await boxed(level, coloured, placement, focus) : level;
    const bytes = await encode({ ...pixels, space: base.space }, coloured);
    renditions.set(preset, { preset, bytes, ...placement.rendition });
  }
  return presets.flatMap((preset) => renditions.get(preset) ?? []);
}

/** The size of the upright picture from which all presets can be made. */
export function baseSize(header: ImageHeader, presets: readonly Preset[]): Size | undefined {
  return placedDownwards(header, presets)[0]?.[1].picture;
}

/** Largest picture first. All pictures have the same proportions. */
function placedDownwards(header: ImageHeader, presets: readonly Preset[]): readonly (readonly [Preset, Placement])[] {
  const area = ({ picture }: Placement) => picture.width * picture.height;
  return presets
    .map((preset) => [preset, placementOf(header, preset)] as const)
    .sort(([, one], [, other]) => area(other) - area(one));
}

async function shrink(pixels: Pixels, size: Size): Promise<Pixels> {
  return isSameSize(pixels, size) ? pixels : pixelsOf(fromPixels(pixels).resize({ ...size, fit: 'fill' }));
}

/** Crops or pads. */
function boxed(level: Pixels, preset: Preset, placement: Placement, focus?: FocusPoint): Promise<Pixels> {
  const { picture, rendition } = placement;
  if (preset.fit === 'pad') {
    return pixelsOf(padded(fromPixels(level).resize({ ...picture, fit: 'fill' }), placement, preset));
  }
  const crop = cropOf(placement, preset.fit === 'cover' ? preset.focus : undefined, focus);
  return pixelsOf(
    crop === 'attention'
      ? fromPixels(level).resize({ ...rendition, fit: 'cover', position: sharp.strategy.attention })
      : fromPixels(level)
          .resize({ ...picture, fit: 'fill' })
          .extract({ ...crop, ...rendition }),
  );
}

export function padded(picture: Sharp, placement: Placement, { format, background }: Preset): Sharp {
  const transparent = '#00000000';
  return picture.extend({
    ...marginsOf(placement),
    background: background ?? (format === 'jpeg' ? JPEG_BACKGROUND : transparent),
  });
}

function marginsOf({ picture, rendition }: Placement) {
  const [across, down] = [rendition.width - picture.width, rendition.height - picture.height];
  const [left, top] = [Math.floor(across / 2), Math.floor(down / 2)];
  return { left, right: across - left, top, bottom: down - top };
}

async function encode(pixels: ColouredPixels, preset: Preset): Promise<Bytes> {
  const { watermark } = preset;
  const marked = watermark === undefined ? pixels : await withWatermark(pixels, watermark, pixels.space);
  const image = pixels.space === 'srgb' ? fromPixels(marked) : await withProfile(marked);
  return encoder(image, preset).toBuffer();
}

/** By way of a TIFF, because raw pixels cannot have a profile. Without converting them. */
async function withProfile({ width, height, channels, data }: Pixels): Promise<Sharp> {
  const { file, pixels } = tiffFile({ width, height, channels }, await displayP3Profile());
  pixels.set(data);
  return sharp(file, { ignoreIcc: true, limitInputPixels: false }).keepIccProfile();
}

/** Colours of presets are in sRGB. */
async function withColoursIn(space: ColourSpace, preset: Preset): Promise<Preset> {
  const { background } = preset;
  if (space === 'srgb' || background === undefined) return preset;
  const pixel = sharp({ create: { width: 1, height: 1, channels: 3, background } });
  const { data } = await pixelsOf(pixel.withIccProfile(space));
  return { ...preset, background: `#${Buffer.from(data.subarray(0, 3)).toString('hex')}` };
}

const JPEG_BACKGROUND = '#ffffff';

/** The cheapest settings for the visible quality: docs/decisions/0006-image-work.md has the measurements. */
export function encoder(image: Sharp, { format, quality, effort, background }: Preset): Sharp {
  const work = effort === undefined ? {} : { effort };
  if (background !== undefined) image.flatten({ background });
  switch (format) {
    case 'webp':
      return image.webp({ quality, ...work });
    case 'avif':
      return image.avif({ quality, ...work, chromaSubsampling: '4:2:0' });
    case 'jpeg':
      return image.flatten({ background: background ?? JPEG_BACKGROUND }).jpeg({ quality, quantisationTable: 3 });
  }
}
