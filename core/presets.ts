/**
 * The renditions of every image: the file that a fork edits. A million renditions cost about $5 in S3 PUTs and slightly
 * more than $2 to make (lab/docs/cost.md). After a change, `npm test` names what to confirm or update.
 */

export type RenditionFormat = 'webp' | 'avif' | 'jpeg';

/** What one rendition is like. docs/presets.md shows and prices each option. */
export type Preset = {
  /** Part of the rendition's key and of the record: renaming a preset changes the public interface. */
  readonly name: string;
  /** Pixels; a smaller upload is never enlarged. */
  readonly width: number;
  /** 1–100, on the encoder's own scale; scales of different formats are not comparable. */
  readonly quality: number;
  /** CPU spent on producing fewer bytes at the same quality: WebP 0–6, AVIF 0–9; JPEG has none. */
  readonly effort?: number;
  /**
   * `#rrggbb`, behind transparent pixels and around a padded picture. Without it, WebP and AVIF stay transparent there, and
   * JPEG becomes white.
   */
  readonly background?: string;
  readonly watermark?: Watermark;
  /** `srgb` if absent. */
  readonly gamut?: Gamut;
} & Fit &
  Encoding;

/** How the picture fits into width × height. A smaller upload gets a smaller box with the same proportions. */
type Fit =
  /** Whole, with its own proportions, within the width and, if there is one, the height. */
  | { readonly fit?: 'inside'; readonly height?: number }
  /** Fills the box; what does not fit is cut off. Without `focus`, `attention` for portraits and `centre` for all others. */
  | { readonly fit: 'cover'; readonly height: number; readonly focus?: Focus }
  /** Whole, in the middle of the box. */
  | { readonly fit: 'pad'; readonly height: number };

/**
 * What stays in a cropped picture: its middle, or the part that stands out (sharp's `attention`). An upload whose metadata
 * contains a point, `x-amz-meta-focus: 0.3,0.6`, is cropped around that point instead.
 */
export type Focus = 'centre' | 'attention';

type Encoding =
  /** `animated`: moves if the upload does. Then the image has no still WebP or AVIF of this shape, only JPEGs as posters. */
  | { readonly format: 'webp'; readonly animated?: boolean }
  | { readonly format: 'avif' }
  | { readonly format: 'jpeg' /** Only with `inside`. */; readonly keepGainMap?: boolean };

export const gamuts = ['srgb', 'keep-p3'] as const;

/** `keep-p3`: an upload in Display P3, as of iPhones, keeps its colours and has that profile. All others are converted to sRGB. */
export type Gamut = (typeof gamuts)[number];

export const corners = ['top-left', 'top-right', 'bottom-left', 'bottom-right'] as const;

/** A picture over a corner of the rendition. */
export interface Watermark {
  /** The picture, as the base64 of a PNG file: the functions' packages contain code only. */
  readonly png: string;
  readonly corner: (typeof corners)[number];
  /** Of the rendition's width: above 0, at most 1. */
  readonly share: number;
  /** 0–1. */
  readonly opacity: number;
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

/** A name that a group had in the release before this one. */
export interface RetiredGroup {
  readonly name: string;
  /** The groups that now have its presets; none if the presets are gone. */
  readonly replacedBy: readonly string[];
}

/**
 * Rename or remove a group, and its old name belongs here for one release: workers are released before the dispatcher, which
 * asks them for the groups that it knows (docs/releases.md).
 */
export const retiredGroups: readonly RetiredGroup[] = [];

export const renditionGroups: readonly [RenditionGroup, ...RenditionGroup[]] = [
  {
    name: 'web',
    // Effort 2: for the same score, sharp's default of 4 takes more than twice the CPU and saves 8 % of the bytes
    // (lab/docs/quality.md).
    presets: [
      { name: 'webp-square-320', format: 'webp', width: 320, height: 320, fit: 'cover', quality: 80, effort: 2 },
      { name: 'webp-320', format: 'webp', width: 320, quality: 80, effort: 2, animated: true },
      { name: 'webp-640', format: 'webp', width: 640, quality: 80, effort: 2, animated: true },
      { name: 'webp-1280', format: 'webp', width: 1280, quality: 80, effort: 2 },
      { name: 'webp-1920', format: 'webp', width: 1920, quality: 80, effort: 2 },
      { name: 'jpeg-1280', format: 'jpeg', width: 1280, quality: 80 },
      // Effort 0: effort 2 takes 6 times the CPU and saves 11 % of the bytes. Quality 55 scores nearly as high as the
      // WebP, in 27 % fewer bytes.
      { name: 'avif-1280', format: 'avif', width: 1280, quality: 55, effort: 0 },
    ],
  },
];

export const allPresets: readonly Preset[] = renditionGroups.flatMap((group) => group.presets);
