/** Which presets apply to an image, how large their renditions are, and where they are stored. */
import type { ImageId, Sequencer } from './image.ts';
import type { ImageHeader } from './metadata.ts';
import type { Preset, RenditionFormat } from './presets.ts';

export interface Rendition {
  readonly preset: string;
  /** In the rendition bucket: `<imageId>/<sequencer>/<preset>.<extension>`. */
  readonly key: string;
  readonly contentType: string;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
}

export const contentTypes = {
  webp: 'image/webp',
  avif: 'image/avif',
  jpeg: 'image/jpeg',
} as const satisfies Readonly<Record<RenditionFormat, string>>;

/** The only ones that a rendition can have. */
export type ContentType = (typeof contentTypes)[RenditionFormat];

const extensions: Readonly<Record<RenditionFormat, string>> = { webp: 'webp', avif: 'avif', jpeg: 'jpg' };

/** Pixels. The limit of WebP. */
export const MAX_RENDITION_HEIGHT = 16_383;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** `<imageId>/<sequencer>/<preset>.<extension>` */
export function renditionKey(imageId: ImageId, sequencer: Sequencer, preset: Preset): string {
  return `${imageId}/${sequencer}/${preset.name}.${extensions[preset.format]}`;
}

/** As displayed: EXIF orientation applied. */
export function uprightSize({ width, height, orientation }: ImageHeader): Size {
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

/**
 * The presets that apply to this image, without duplicates: for each format, all that are narrower than the image, and the
 * next wider one, which then gets the image's own width. So every format has a rendition, and no two have the same size.
 */
export function presetsFor(header: ImageHeader, presets: readonly Preset[]): readonly Preset[] {
  const widest = maxWidth(uprightSize(header));
  return presets.filter(
    ({ format, width }) =>
      !presets.some((other) => other.format === format && other.width < width && other.width >= widest),
  );
}

/** In pixels, at least 1 × 1; never larger than the image, and with its proportions. */
export function renditionSize(header: ImageHeader, preset: Preset): Size {
  const upright = uprightSize(header);
  const width = Math.min(preset.width, maxWidth(upright));
  const height = Math.round((width * upright.height) / upright.width);
  return { width, height: clamp(height, 1, Math.min(upright.height, MAX_RENDITION_HEIGHT)) };
}

/** The greatest width of a rendition: less than the image's width only if its height exceeds the limit. */
function maxWidth({ width, height }: Size): number {
  return height <= MAX_RENDITION_HEIGHT ? width : Math.max(1, Math.floor((width * MAX_RENDITION_HEIGHT) / height));
}

function clamp(value: number, min: number, max: number): number {
  return Math.max(min, Math.min(value, max));
}
