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
  /** Frames of an animation or pages of a document: counting them takes time, even if only the first is rendered. */
  readonly frames: number;
  /** The longest animation that is rendered as one; of a longer one, only the first frame. `pixels` of all frames together. */
  readonly animation: { readonly frames: number; readonly pixels: number };
  readonly work: Work;
  /** For one request to the process that decodes: what stops it, whatever the limits above have overlooked. */
  readonly seconds: { readonly cpuSeconds: number; readonly wallSeconds: number };
}

/**
 * What a decoder would do for a file apart from decoding each displayed pixel once: sums counted from the bytes before any
 * decoder sees them. A few bytes can request any amount of it.
 */
export interface Work {
  /**
   * Width × height of a JPEG, or of each that a TIFF consists of, for each scan after the first: libjpeg processes the whole
   * image once per scan. Six times that in arithmetic coding, which takes six times as long.
   */
  readonly scannedPixels: number;
  /** Images, tiles and metadata blocks of an AVIF or HEIC. */
  readonly items: number;
  /** Of all tiles, layers, hidden frames and alpha of an AVIF or HEIC, once more for each time one is turned, mirrored or cropped. */
  readonly decodedPixels: number;
  /** Bytes referenced by the parts of a file, divided by its size and a megabyte that small parts may share. Above 1, parts overlap. */
  readonly readings: number;
  /** Strips or tiles of a TIFF. */
  readonly pieces: number;
  /** Channels of a TIFF, including transparency and masks. */
  readonly channels: number;
  /** Pairs of tags in the directories of a TIFF: libtiff sorts a directory again for each tag it does not know. */
  readonly tagPairs: number;
  /** Texts and profiles of a PNG, uncompressed. */
  readonly unpackedBytes: number;
  /** Compressed texts and profiles of a PNG, however short. */
  readonly compressedTexts: number;
  /** Operations of a colour profile for one colour. */
  readonly profileSteps: number;
  /** Of a colour profile, once for each element that refers to them: elements may share a table, and each gets its own copy. */
  readonly profileTableBytes: number;
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
    // 18 MB with 10 bits and alpha, turned or not: the file, its planes, RGB and a TIFF of that. Covers a phone's 48 megapixels.
    heic: 50 * MEGA,
    // 3 MB: a TIFF of it. The limit for bytes allows only 12 megapixels with 32 bits.
    bmp: 100 * MEGA,
    // 4 MB: the same, with alpha. A PNG in it has the limit of PNG as well. No icon is larger.
    ico: 20 * MEGA,
  },
  progressivePixels: {
    // 9 MB, CMYK.
    jpeg: 100 * MEGA,
    // 15 MB with 16 bits and alpha, in rows of 65,535 pixels; 10 MB in a square.
    png: 65 * MEGA,
    // 26 MB, 32 bits with alpha, and tiles as high as the image.
    tiff: 30 * MEGA,
  },
  // The maximum of JPEG and GIF. PNG and TIFF of 10,000,000 × 10 pixels would take 5 GB.
  side: 65_535,
  frames: 10_000,
  animation: {
    frames: 1_000,
    // 210 ns, noise rendered by both animated presets in core/presets.ts at nearly its own size.
    pixels: 40 * MEGA,
  },
  // Each limit keeps its share of a task below 3 seconds, at the cost measured for the worst file (in the comment).
  work: {
    // 0.5 ns, in up to three decodes. The largest progressive JPEG in 20 scans; encoders write 10.
    scannedPixels: 2_000 * MEGA,
    // libheif opens no file with more. A phone's 48 megapixels in tiles of 512 pixels take 192.
    items: 256,
    // 12 ns. The largest AVIF with alpha needs 60 megapixels, plus 60 per rotation.
    decodedPixels: 200 * MEGA,
    // AV1 decodes about 6 MB per second. Encoders let only small parts share their bytes, which the adapter allows for.
    readings: 1,
    // 2 µs. One row per strip of four planes, at the greatest height.
    pieces: 262_140,
    // CMYK and transparency: the pixel limits were measured with at most these.
    channels: 5,
    // 0.06 µs per pair, each time a task opens the file. 10,000 pages of 22 tags, or one directory of 2,200.
    tagPairs: 5 * MEGA,
    // 6.4 bytes of memory each, so 100 MB. Texts of image generators and editing histories stay below 10 MB.
    unpackedBytes: 16 * MEGA,
    // 9 µs each to unpack, here and in libpng. Programs write a few.
    compressedTexts: 1_000,
    // 8 ns at each of 36,000 points of the table that lcms makes of a profile. Profiles of calibrated monitors take 50.
    profileSteps: 1_000,
    // 3 bytes of memory each, so 100 MB. A profile with eight tables of 65 × 65 × 65 points has 26 MB.
    profileTableBytes: 32 * MEGA,
  },
  seconds: {
    // The slowest file within the limits above takes 10 (lab/docs/reliability.md).
    cpuSeconds: 15,
    // Of a worker's 40 seconds, reading and writing may take 10 each (docs/decisions/0009).
    wallSeconds: 18,
  },
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
  const { width, height } = header.decodedSize ?? header;
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
  return rejectFrames(header.frames, limits);
}

export function rejectFrames(frames: number, limits: Limits): Rejection | undefined {
  if (frames <= limits.frames) return undefined;
  return rejected(
    'too-many-frames',
    `The file has ${grouped(frames)} frames; the limit is ${grouped(limits.frames)}. Please upload a shorter animation or a single image.`,
  );
}

/** Whether renditions of an animation keep its motion; nothing for a still image. */
export function staysAnimated(header: ImageHeader, { animation }: Limits): boolean | undefined {
  const { format, width, height, frames, orientation } = header;
  if (frames === 1 || (format !== 'gif' && format !== 'webp')) return undefined;
  // sharp cannot turn the frames of an animation.
  return orientation === 1 && frames <= animation.frames && width * height * frames <= animation.pixels;
}

/** From the parts of the file, before a decoder opens it. */
export function rejectWork(work: Partial<Work>, { work: limits }: Limits): Rejection | undefined {
  const [kind] = workKinds.filter((each) => (work[each] ?? 0) > limits[each]);
  if (kind === undefined) return undefined;
  const { says, per = 1 } = workSentences[kind];
  const found = rounded((work[kind] ?? 0) / per);
  const limit = rounded(limits[kind] / per);
  return tooComplex(`${says(found)}; the limit is ${limit}`);
}

/** From the process that decodes, if it went beyond its bounds. */
export function rejectExcess(bound: 'time' | 'memory' | 'crash', { seconds }: Limits): Rejection {
  const sentences = {
    time: `it takes more than ${seconds.cpuSeconds} seconds`,
    memory: 'it needs more memory than we allow',
    crash: 'our decoder cannot finish it',
  };
  return tooComplex(sentences[bound]);
}

function tooComplex(sentence: string): Rejection {
  return rejected(
    'too-complex',
    `The file is valid but too complex to process safely: ${sentence}. Please export it again as a plain JPEG or PNG.`,
  );
}

interface WorkSentence {
  readonly says: (amount: string) => string;
  readonly per?: number;
}

const workSentences: Readonly<Record<keyof Work, WorkSentence>> = {
  scannedPixels: { says: (amount) => `its scans add up to ${amount} megapixels`, per: MEGA },
  items: { says: (amount) => `it consists of ${amount} images and other items` },
  decodedPixels: { says: (amount) => `its layers, tiles and rotations add up to ${amount} megapixels`, per: MEGA },
  readings: { says: (amount) => `its parts add up to ${amount} times the file` },
  pieces: { says: (amount) => `it has ${amount} strips or tiles` },
  channels: { says: (amount) => `it has ${amount} channels` },
  tagPairs: { says: (amount) => `its directories have ${amount} pairs of tags` },
  unpackedBytes: { says: (amount) => `its texts and profiles unpack to at least ${amount} MB`, per: MEGA },
  compressedTexts: { says: (amount) => `it has at least ${amount} compressed texts and profiles` },
  profileSteps: { says: (amount) => `its colour profile takes at least ${amount} steps for each colour` },
  profileTableBytes: { says: (amount) => `its colour profile unpacks to at least ${amount} MB`, per: MEGA },
};
const workKinds: readonly (keyof Work)[] = [
  'scannedPixels',
  'items',
  'decodedPixels',
  'readings',
  'pieces',
  'channels',
  'tagPairs',
  'unpackedBytes',
  'compressedTexts',
  'profileSteps',
  'profileTableBytes',
];

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

function mega(value: number): string {
  return rounded(value / MEGA);
}

/** One decimal, rounded up: a value just over its limit must not read like the limit. */
function rounded(value: number): string {
  return value === Number.POSITIVE_INFINITY ? 'unlimited' : grouped(Math.ceil(value * 10) / 10);
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
