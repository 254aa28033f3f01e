import { formatNames, type ImageHeader, type InputFormat } from './metadata.ts';
import { type Rejection, rejected } from './outcome.ts';

/** The largest input a worker accepts at the template's MemorySize. Measured in lab/docs/performance.md; a test keeps the two in step. */
export interface Limits {
  readonly bytes: number;
  readonly pixels: Readonly<Record<InputFormat, number>>;
  /** Progressive JPEG, interlaced PNG, tiled TIFF: their decoders hold all rows at once and need more memory per pixel. */
  readonly progressivePixels: { readonly jpeg: number; readonly png: number; readonly tiff: number };
  /** Width and height: a long row takes memory, however few rows there are. */
  readonly side: number;
  /** Frames of an animation or pages of a document. Only the first is rendered, but counting them takes time. */
  readonly frames: number;
}

const MEGA = 1_000_000;

/**
 * For a worker with 1,769 MB (one vCPU), 30 % kept free: of the remaining 1,238 MB, Node.js, SDK and sharp take 130 MB, and
 * two copies of the largest file 100 MB. That leaves 1,000 MB for pixels. Each limit is 1,000 MB divided by the MB per
 * megapixel (in the comment) measured for the format's worst variant.
 */
export const defaultLimits: Limits = {
  bytes: 50 * MEGA,
  pixels: {
    // 0.3 MB: scaled down while decoding. Covers a phone's 200-megapixel sensor.
    jpeg: 250 * MEGA,
    // 4 MB with 16 bits and alpha; nothing above 100 megapixels is a photograph.
    png: 100 * MEGA,
    // 5 MB, lossless with alpha.
    webp: 100 * MEGA,
    // 31 MB, 10 or 12 bits with alpha, rotated: held in memory whole, more than once.
    avif: 30 * MEGA,
    // 6 MB: two whole frames.
    gif: 100 * MEGA,
    // 3 MB; libtiff itself refuses strips and tiles of more than 50 MB.
    tiff: 100 * MEGA,
  },
  progressivePixels: {
    // 9 MB, CMYK.
    jpeg: 100 * MEGA,
    // 10 MB with 16 bits and alpha.
    png: 80 * MEGA,
    // 26 MB, 32 bits with alpha, and tiles as high as the image.
    tiff: 30 * MEGA,
  },
  // The maximum of JPEG and GIF. PNG and TIFF of 10,000,000 × 10 pixels would take 5 GB.
  side: 65_535,
  frames: 10_000,
};

/** From the event alone, before a byte is read. */
export function rejectBytes(bytes: number, limits: Limits): Rejection | undefined {
  if (bytes === 0) {
    return rejected('empty', 'The file is empty (0 bytes). Please upload it again.');
  }
  if (bytes > limits.bytes) {
    return rejected(
      'too-many-bytes',
      `The file is ${mega(bytes)} MB; the limit is ${mega(limits.bytes)} MB. Please upload a smaller or more compressed file.`,
    );
  }
  return undefined;
}

/** From the header, before a pixel is decoded. */
export function rejectHeader(header: ImageHeader, limits: Limits): Rejection | undefined {
  const { width, height, frames } = header;
  const pixels = width * height;
  const limit = pixelLimit(header, limits);
  const size = `The image is ${grouped(width)} × ${grouped(height)} pixels`;
  if (pixels > limit) {
    return rejected(
      'too-many-pixels',
      `${size} (${mega(pixels)} megapixels); the limit for ${kindOf(header)} is ${mega(limit)}. Please upload a smaller version.`,
    );
  }
  if (Math.max(width, height) > limits.side) {
    return rejected(
      'too-many-pixels',
      `${size}; the limit for each side is ${grouped(limits.side)}. Please upload a smaller version.`,
    );
  }
  return rejectFrames(frames, limits);
}

export function rejectFrames(frames: number, limits: Limits): Rejection | undefined {
  if (frames <= limits.frames) return undefined;
  return rejected(
    'too-many-frames',
    `The file has ${grouped(frames)} frames; the limit is ${grouped(limits.frames)}. Please upload a shorter animation or a single image.`,
  );
}

/** The highest pixel limit of any format: no decoder has to exceed it. */
export function maxPixels(limits: Limits): number {
  return Math.max(...Object.values(limits.pixels), ...Object.values(limits.progressivePixels));
}

function pixelLimit({ format, progressive }: ImageHeader, limits: Limits): number {
  return progressive && (format === 'jpeg' || format === 'png' || format === 'tiff')
    ? limits.progressivePixels[format]
    : limits.pixels[format];
}

function kindOf({ format, progressive }: ImageHeader): string {
  if (progressive && format === 'jpeg') return 'progressive JPEG';
  if (progressive && format === 'png') return 'interlaced PNG';
  if (progressive && format === 'tiff') return 'tiled TIFF';
  return formatNames[format];
}

/** Millions with one decimal, rounded up: a value just over its limit must not read like the limit. */
function mega(value: number): string {
  return grouped(Math.ceil(value / (MEGA / 10)) / 10);
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
