/** What becomes of a preset for one picture: which of them apply, how large it is, where it is kept. */
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

export const contentTypes: Readonly<Record<RenditionFormat, string>> = {
  webp: 'image/webp',
  avif: 'image/avif',
  jpeg: 'image/jpeg',
};

const extensions: Readonly<Record<RenditionFormat, string>> = { webp: 'webp', avif: 'avif', jpeg: 'jpg' };

/** Pixels. WebP cannot hold more. */
export const MAX_RENDITION_HEIGHT = 16_383;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** `<imageId>/<sequencer>/<preset>.<extension>` */
export function renditionKey(imageId: ImageId, sequencer: Sequencer, preset: Preset): string {
  return `${imageId}/${sequencer}/${preset.name}.${extensions[preset.format]}`;
}

/** As seen: EXIF's orientation applied. */
export function uprightSize({ width, height, orientation }: ImageHeader): Size {
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

/**
 * The presets that give this picture something of its own: of each format all that fit into it, and the next larger one,
 * which then gets the picture's own width. So each format has a rendition, and no two of them are the same size.
 */
export function presetsFor(header: ImageHeader, presets: readonly Preset[]): readonly Preset[] {
  const own = ownWidth(uprightSize(header));
  return presets.filter(
    ({ format, width }) =>
      !presets.some((other) => other.format === format && other.width < width && other.width >= own),
  );
}

/** In pixels, at least one each way; never larger than the picture, its proportions kept. */
export function renditionSize(header: ImageHeader, preset: Preset): Size {
  const upright = uprightSize(header);
  const width = Math.min(preset.width, ownWidth(upright));
  const height = Math.round((width * upright.height) / upright.width);
  return { width, height: clamp(height, 1, Math.min(upright.height, MAX_RENDITION_HEIGHT)) };
}

/** The widest that a rendition may be: less than the picture's width only where its height goes over the limit. */
function ownWidth({ width, height }: Size): number {
  return height <= MAX_RENDITION_HEIGHT ? width : Math.max(1, Math.floor((width * MAX_RENDITION_HEIGHT) / height));
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}
