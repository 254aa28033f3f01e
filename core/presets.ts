/**
 * The renditions of every image. This is the file a fork edits.
 *
 * Each stored rendition costs about $5 a million in S3 PUTs and far less to make (docs/decisions): a preset has to earn it.
 */

import type { ImageId, Sequencer } from './image.ts';
import type { ImageHeader } from './metadata.ts';

export type RenditionFormat = 'webp' | 'avif' | 'jpeg';

export interface Preset {
  /** Part of the rendition's key and of the record: renaming one is a change of the interface. */
  readonly name: string;
  readonly format: RenditionFormat;
  /** Pixels; a smaller upload is never enlarged. */
  readonly width: number;
  /** 1–100, on the encoder's own scale: the scales of two formats do not compare. */
  readonly quality: number;
  /** How hard the encoder works for the same quality in fewer bytes: WebP 0–6, AVIF 0–9; JPEG has none. */
  readonly effort?: number;
}

/**
 * Presets rendered by one worker from one decode. Groups run side by side, so that a slow encoder holds up nobody.
 * All presets of one format belong to one group: {@link presetsFor} compares them with each other.
 */
export interface RenditionGroup {
  readonly name: string;
  readonly presets: readonly Preset[];
}

export const renditionGroups: readonly RenditionGroup[] = [
  {
    name: 'web',
    // Effort 2: sharp's default of 4 costs twice the CPU for 5 % fewer bytes.
    presets: [
      { name: 'webp-320', format: 'webp', width: 320, quality: 80, effort: 2 },
      { name: 'webp-640', format: 'webp', width: 640, quality: 80, effort: 2 },
      { name: 'webp-1280', format: 'webp', width: 1280, quality: 80, effort: 2 },
      { name: 'webp-1920', format: 'webp', width: 1920, quality: 80, effort: 2 },
      { name: 'jpeg-1280', format: 'jpeg', width: 1280, quality: 80 },
    ],
  },
  {
    name: 'avif',
    // Effort 0: level 2 costs six times the CPU for 3 % fewer bytes. At this quality as good as the WebP, in 25 % fewer.
    presets: [{ name: 'avif-1280', format: 'avif', width: 1280, quality: 55, effort: 0 }],
  },
];

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
