import { formatNames, type ImageHeader, type InputFormat } from './metadata.ts';
import { type Rejection, rejected } from './outcome.ts';

/** What a worker of the template's MemorySize takes on. Measured: lab/docs/performance.md; a test holds the two together. */
export interface Limits {
  readonly bytes: number;
  readonly pixels: Readonly<Record<InputFormat, number>>;
  /** Progressive JPEG, interlaced PNG, TIFF in tiles: decoders that must hold all rows at once need more memory a pixel. */
  readonly progressivePixels: { readonly jpeg: number; readonly png: number; readonly tiff: number };
  /** Width and height: rows cost memory by their length, however few they are. */
  readonly side: number;
  /** Frames of an animation or pages of a document; only the first is rendered, but finding the last takes time. */
  readonly frames: number;
}

const MEGA = 1_000_000;

/**
 * For a worker of 1,769 MB (one vCPU) with 30 % to spare: 1,238 MB, of which 130 MB are Node, SDK and sharp, and 100 MB
 * two copies of the largest file. That leaves 1,000 MB for pixels, divided by the worst variant's measured MB a megapixel.
 */
export const defaultLimits: Limits = {
  bytes: 50 * MEGA,
  pixels: {
    // 0.3 MB: shrunk while it is read. All that a phone's 200-megapixel sensor writes.
    jpeg: 250 * MEGA,
    // 4 MB with 16 bits and alpha; and above 100 megapixels nothing is a photograph.
    png: 100 * MEGA,
    // 5 MB, lossless with alpha.
    webp: 100 * MEGA,
    // 31 MB, 10 or 12 bits with alpha, and turned: held whole, and more than once.
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
    // 26 MB, 32 bits with alpha, and tiles as high as the picture.
    tiff: 30 * MEGA,
  },
  // As long as JPEG and GIF can be. PNG and TIFF of 10,000,000 × 10 would take 5 GB.
  side: 65_535,
  frames: 10_000,
};

/** From the event alone, before a byte is read. */
export function admitBytes(bytes: number, limits: Limits): Rejection | undefined {
  if (bytes === 0) {
    return rejected('empty', 'The file is empty (0 bytes). Please upload it again.');
  }
  if (bytes > limits.bytes) {
    return rejected(
      'too-many-bytes',
      `The file has ${mega(bytes)} MB, and ${mega(limits.bytes)} MB are allowed. Please upload a smaller or more compressed file.`,
    );
  }
  return undefined;
}

/** From the first bytes, before a pixel is decoded. */
export function admitHeader(header: ImageHeader, limits: Limits): Rejection | undefined {
  const { width, height, frames } = header;
  const pixels = width * height;
  const most = pixelLimit(header, limits);
  if (pixels > most) {
    return rejected(
      'too-many-pixels',
      `The picture has ${width} × ${height} = ${mega(pixels)} megapixels, and ${mega(most)} are allowed for ${kindOf(header)}. Please upload it at a smaller size.`,
    );
  }
  if (Math.max(width, height) > limits.side) {
    return rejected(
      'too-many-pixels',
      `The picture has ${width} × ${height} pixels, and ${limits.side} are allowed on a side. Please upload it at a smaller size.`,
    );
  }
  return admitFrames(frames, limits);
}

export function admitFrames(frames: number, limits: Limits): Rejection | undefined {
  if (frames <= limits.frames) return undefined;
  return rejected(
    'too-many-frames',
    `The file has ${frames} frames, and ${limits.frames} are allowed. Please upload a shorter animation or a single picture.`,
  );
}

/** The most pixels of any format: no decoder has to go beyond. */
export function mostPixels(limits: Limits): number {
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
  if (progressive && format === 'tiff') return 'TIFF in tiles';
  return formatNames[format];
}

/** Millions with one decimal: rounded up, so that a value just over its limit does not read like the limit. */
function mega(value: number): string {
  return String(Math.ceil(value / (MEGA / 10)) / 10);
}
