/**
 * The renditions of every image: the file that a fork edits. A million renditions cost about $5 in S3 PUTs and slightly
 * more than $2 to make (lab/docs/cost.md). After a change, `npm test` names what to confirm or update.
 */

export type RenditionFormat = 'webp' | 'avif' | 'jpeg';

export interface Preset {
  /** Part of the rendition's key and of the record: renaming a preset changes the public interface. */
  readonly name: string;
  readonly format: RenditionFormat;
  /** Pixels; a smaller upload is never enlarged. */
  readonly width: number;
  /** 1–100, on the encoder's own scale; scales of different formats are not comparable. */
  readonly quality: number;
  /** CPU spent on producing fewer bytes at the same quality: WebP 0–6, AVIF 0–9; JPEG has none. */
  readonly effort?: number;
}

/**
 * Presets rendered by one worker from one decode. Groups run in parallel, so a slow encoder can have its own; each group
 * costs another decode, GET and invocation: $4 per million images (ADR 6). All presets of one format must be in the same
 * group, because `presetsFor` in rendition.ts compares them with each other.
 */
export interface RenditionGroup {
  readonly name: string;
  readonly presets: readonly Preset[];
}

export const renditionGroups: readonly [RenditionGroup, ...RenditionGroup[]] = [
  {
    name: 'web',
    // Effort 2: for the same score, sharp's default of 4 takes more than twice the CPU and saves 8 % of the bytes
    // (lab/docs/quality.md).
    presets: [
      { name: 'webp-320', format: 'webp', width: 320, quality: 80, effort: 2 },
      { name: 'webp-640', format: 'webp', width: 640, quality: 80, effort: 2 },
      { name: 'webp-1280', format: 'webp', width: 1280, quality: 80, effort: 2 },
      { name: 'webp-1920', format: 'webp', width: 1920, quality: 80, effort: 2 },
      { name: 'jpeg-1280', format: 'jpeg', width: 1280, quality: 80 },
      // Effort 0: effort 2 takes 6 times the CPU and saves 11 % of the bytes. Quality 55 scores nearly as high as the
      // WebP, in 27 % fewer bytes.
      { name: 'avif-1280', format: 'avif', width: 1280, quality: 55, effort: 0 },
    ],
  },
];
