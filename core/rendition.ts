/** Which presets apply to an image, how large their renditions are, and where they are stored. */
import type { ImageId, Sequencer } from './image.ts';
import type { ImageHeader } from './metadata.ts';
import type { Focus, Preset, RenditionFormat, Watermark } from './presets.ts';

export interface Rendition {
  readonly preset: string;
  /** In the rendition bucket: `<imageId>/<sequencer>/<preset>.<extension>`. */
  readonly key: string;
  readonly contentType: string;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  /** What it was made with: settings.ts. Absent in records written before it was added. */
  readonly settings?: string | undefined;
  /** Only of an animated rendition. Encoders join frames that are equal, so there may be fewer than in the upload. */
  readonly frames?: number | undefined;
}

export const contentTypes = {
  webp: 'image/webp',
  avif: 'image/avif',
  jpeg: 'image/jpeg',
} as const satisfies Readonly<Record<RenditionFormat, string>>;

/** The only ones that a rendition can have. */
export type ContentType = (typeof contentTypes)[RenditionFormat];

const extensions: Readonly<Record<RenditionFormat, string>> = { webp: 'webp', avif: 'avif', jpeg: 'jpg' };

/** Of every rendition. A key identifies one version of one upload: its content never changes. */
export const CACHE_CONTROL = 'public, max-age=31536000, immutable';

/** Pixels. The limit of WebP. */
export const MAX_RENDITION_HEIGHT = 16_383;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** `<imageId>/<sequencer>/<preset>.<extension>` */
export function renditionKey(imageId: ImageId, sequencer: Sequencer, preset: Pick<Preset, 'name' | 'format'>): string {
  return `${imageId}/${sequencer}/${preset.name}.${extensions[preset.format]}`;
}

/** The parts of a header that decide about sizes. */
type Shape = Pick<ImageHeader, 'width' | 'height' | 'orientation'>;

/** The sequencer in a rendition's key; undefined if the key has any other shape. */
export function sequencerOf(key: string): Sequencer | undefined {
  const [, sequencer, file, ...rest] = key.split('/');
  return file !== undefined && rest.length === 0 ? sequencer : undefined;
}

/** As displayed: EXIF orientation applied. */
export function uprightSize({ width, height, orientation }: Shape): Size {
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

/**
 * The presets that apply to this image, without duplicates: among those that differ only in size and quality, all that are
 * narrower than the image, and the next wider one, which then gets the image's own size. So every format has a rendition,
 * except AVIF of an animation.
 *
 * @param all presets of the image, if `presets` are not
 */
export function presetsFor(
  header: Shape & Pick<ImageHeader, 'animated'>,
  presets: readonly Preset[],
  all: readonly Preset[] = presets,
): readonly Preset[] {
  const suitable = header.animated ? presets.filter((preset) => suitsAnimation(preset, all)) : presets;
  const repeats = (preset: Preset, other: Preset) =>
    other.width < preset.width &&
    isAlike(other, preset) &&
    isSameSize(renditionSize(header, other), renditionSize(header, preset));
  return suitable.filter((preset) => !suitable.some((other) => repeats(preset, other)));
}

/**
 * Next to an animated WebP there is no still WebP or AVIF of the same shape: a browser that may choose would show a picture
 * that does not move.
 */
function suitsAnimation(preset: Preset, all: readonly Preset[]): boolean {
  if (preset.format === 'jpeg' || isAnimated(preset)) return true;
  return !all.some((other) => isAnimated(other) && isSameShape(other, preset));
}

export function isAnimated(preset: Preset): boolean {
  return preset.format === 'webp' && preset.animated === true;
}

/** A crop would have to apply to the map as well. */
export function keepsGainMap(preset: Preset): boolean {
  return preset.format === 'jpeg' && preset.keepGainMap === true && (preset.fit ?? 'inside') === 'inside';
}

/** Whether the presets crop and pad to the same proportions, or not at all. */
function isSameShape(one: Preset, other: Preset): boolean {
  return (one.fit ?? 'inside') === (other.fit ?? 'inside') && shapeOf(one) === shapeOf(other);
}

function shapeOf({ width, height }: Preset): number | undefined {
  return height === undefined ? undefined : width / height;
}

/** In pixels, at least 1 × 1. */
export function renditionSize(header: Shape, preset: Preset): Size {
  return placementOf(header, preset).rendition;
}

export interface Placement {
  /** Of the whole picture, scaled, before it is cropped or padded: never larger than the image. */
  readonly picture: Size;
  readonly rendition: Size;
}

export function placementOf(header: Shape, preset: Preset): Placement {
  const image = uprightSize(header);
  if (preset.fit === 'cover') {
    const rendition = scaledDown(preset, Math.min(1, image.width / preset.width, image.height / preset.height));
    const scale = Math.max(rendition.width / image.width, rendition.height / image.height);
    return { rendition, picture: atLeast(rendition, scaledDown(image, scale)) };
  }
  if (preset.fit === 'pad') {
    // A box larger than the image shrinks until the image touches two of its sides.
    const shrink = Math.max(image.width / preset.width, image.height / preset.height);
    const rendition = scaledDown(preset, Math.min(1, shrink));
    const scale = Math.min(1, rendition.width / image.width, rendition.height / image.height);
    return { rendition, picture: atMost(rendition, scaledDown(image, scale)) };
  }
  const size = sizeInside(image, preset);
  return { rendition: size, picture: size };
}

function sizeInside(image: Size, preset: { readonly width: number; readonly height?: number }): Size {
  const maxHeight = Math.min(preset.height ?? MAX_RENDITION_HEIGHT, MAX_RENDITION_HEIGHT);
  const width = Math.min(preset.width, maxWidth(image, maxHeight));
  const height = Math.round((width * image.height) / image.width);
  return { width, height: clamp(height, 1, Math.min(image.height, maxHeight)) };
}

/** The greatest width of a rendition: less than the image's width only if its height exceeds the limit. */
function maxWidth({ width, height }: Size, maxHeight: number): number {
  return height <= maxHeight ? width : Math.max(1, Math.floor((width * maxHeight) / height));
}

// ── Crops ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What should stay visible, as shares of the width and height of the upright image: 0, 0 is its top left corner. */
export interface FocusPoint {
  readonly x: number;
  readonly y: number;
}

/** Where in the picture the crop begins. `attention`: where the decoder sees what stands out. */
export type Crop = { readonly left: number; readonly top: number } | 'attention';

/** @param point of the upload: more important than the preset's focus */
export function cropOf({ picture, rendition }: Placement, focus: Focus | undefined, point?: FocusPoint): Crop {
  if (point === undefined && (focus ?? defaultFocus(picture)) === 'attention') return 'attention';
  const { x, y } = point ?? { x: 0.5, y: 0.5 };
  const begin = (share: number, whole: number, part: number) =>
    clamp(Math.round(share * whole - part / 2), 0, whole - part);
  return { left: begin(x, picture.width, rendition.width), top: begin(y, picture.height, rendition.height) };
}

/** The middle of an upright photograph of a person is below the face; of a landscape, it is rarely wrong. */
function defaultFocus({ width, height }: Size): Focus {
  return height > width ? 'attention' : 'centre';
}

// ── Watermarks ──────────────────────────────────────────────────────────────────────────────────────────────────────

// Between a watermark and the edges, as a share of the rendition's width.
const WATERMARK_MARGIN = 0.02;

/** Where the watermark is in a rendition: always within it, and with the proportions of `mark` if it has space. */
export function watermarkBox(rendition: Size, mark: Size, { corner, share }: Pick<Watermark, 'corner' | 'share'>) {
  const margin = Math.round(rendition.width * WATERMARK_MARGIN);
  const space = atLeast(
    { width: 1, height: 1 },
    { width: rendition.width - 2 * margin, height: rendition.height - 2 * margin },
  );
  const scale = Math.min((rendition.width * share) / mark.width, space.width / mark.width, space.height / mark.height);
  const size = atMost(space, scaledDown(mark, scale));
  const begin = (isAtEnd: boolean, whole: number, part: number) =>
    clamp(isAtEnd ? whole - margin - part : margin, 0, whole - part);
  return {
    ...size,
    left: begin(corner.endsWith('right'), rendition.width, size.width),
    top: begin(corner.startsWith('bottom'), rendition.height, size.height),
  };
}

// ── Sizes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export function isSameSize(one: Size, other: Size): boolean {
  return one.width === other.width && one.height === other.height;
}

/** Whether renditions of the same size would look the same, except for their quality. */
function isAlike(one: Preset, other: Preset): boolean {
  return JSON.stringify(looksOf(one)) === JSON.stringify(looksOf(other));
}

function looksOf(preset: Preset): readonly unknown[] {
  const { format, fit = 'inside', background, watermark, gamut = 'srgb' } = preset;
  const focus = preset.fit === 'cover' ? preset.focus : undefined;
  return [format, fit, shapeOf(preset), focus, background, watermark, gamut, keepsGainMap(preset)];
}

function scaledDown({ width, height }: Size, scale: number): Size {
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

function atLeast(size: Size, { width, height }: Size): Size {
  return { width: Math.max(size.width, width), height: Math.max(size.height, height) };
}

function atMost(size: Size, { width, height }: Size): Size {
  return { width: Math.min(size.width, width), height: Math.min(size.height, height) };
}

function clamp(value: number, min: number, max: number): number {
  return Math.max(min, Math.min(value, max));
}
