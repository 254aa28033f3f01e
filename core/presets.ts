/**
 * The renditions of every image. This is the file a fork edits. Each stored rendition costs about $5 a million in S3 PUTs
 * and a bit more than $2 to make (lab/docs/cost.md): a preset has to earn it.
 *
 * A preset more: also CostMetrics in template.yaml; then `npm run lab -- cost --write`,
 * `npm run lab -- scale --write`, and `npm test`, which names what you have to confirm. A group more: also an event in
 * events/resize-image and, in template.yaml's Mappings, ResizeConcurrency and BusyResizeWorkers.
 */

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
 * Presets rendered by one worker from one decode. Groups run side by side, so an encoder that is slow gets one of its own; each
 * costs a decode, a GET, a call and their waits, $4 a million images (ADR 6).
 * All presets of one format belong to one group: `presetsFor` of rendition.ts compares them with each other.
 */
export interface RenditionGroup {
  readonly name: string;
  readonly presets: readonly Preset[];
}

export const renditionGroups: readonly [RenditionGroup, ...RenditionGroup[]] = [
  {
    name: 'web',
    // Effort 2: at the same score, sharp's default of 4 costs more than twice the CPU for 8 % fewer bytes (lab/docs/quality.md).
    presets: [
      { name: 'webp-320', format: 'webp', width: 320, quality: 80, effort: 2 },
      { name: 'webp-640', format: 'webp', width: 640, quality: 80, effort: 2 },
      { name: 'webp-1280', format: 'webp', width: 1280, quality: 80, effort: 2 },
      { name: 'webp-1920', format: 'webp', width: 1920, quality: 80, effort: 2 },
      { name: 'jpeg-1280', format: 'jpeg', width: 1280, quality: 80 },
      // Effort 0: level 2 costs 6 times the CPU for 11 % fewer bytes. At this quality nearly the WebP's score, in 27 % fewer.
      { name: 'avif-1280', format: 'avif', width: 1280, quality: 55, effort: 0 },
    ],
  },
];
