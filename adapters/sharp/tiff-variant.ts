import { type Directory, integerAt, integerOf, integersOf, openTiff, type Tiff } from './tiff-directory.ts';
import {
  BITS_PER_SAMPLE,
  COLOUR_PROFILE,
  COMPRESSION,
  EXTRA_SAMPLES,
  IMAGE_LENGTH,
  IMAGE_WIDTH,
  INK_SET,
  PHOTOMETRIC,
  PLANAR_CONFIGURATION,
  ROWS_PER_STRIP,
  SAMPLE_FORMAT,
  SAMPLES_PER_PIXEL,
  STRIP_BYTE_COUNTS,
  STRIP_OFFSETS,
  TILE_BYTE_COUNTS,
  TILE_OFFSETS,
} from './tiff-tags.ts';

const UNSIGNED = 1;
const FLOAT = 3;
const SEPARATE_PLANES = 2;
const UNCOMPRESSED = 1;
const JPEG = 7;

/** The number of colours of grey in both directions, RGB, palettes, inks and YCbCr. */
const colours: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [1, 1],
  [2, 3],
  [3, 1],
  [5, 4],
  [6, 3],
]);
const BLACK_IS_ZERO = 1;
const YCBCR = 6;
const INKS = 5;
const CMYK = 1;
const ASSOCIATED_ALPHA = 1;
const UNASSOCIATED_ALPHA = 2;

// What libvips' libtiff is built with: none, three kinds of fax, LZW, JPEG, Deflate (twice), PackBits, WebP.
const COMPRESSIONS: readonly number[] = [UNCOMPRESSED, 2, 3, 4, 5, JPEG, 8, 32_946, 32_773, 50_001];

// As in core/limits.ts: the pixel limits were measured with at most these.
const MAX_SAMPLES = 5;

export interface TiffVariant {
  /** What libvips reads wrongly, without an error. */
  readonly isUnsupported: boolean;
  /** Numbers with a fraction, which libvips does not convert with a colour profile. */
  readonly isFloat: boolean;
  /** Only if it is stated to be transparency and the only channel besides the colours. */
  readonly hasAlpha: boolean;
}

export function tiffVariant(bytes: Uint8Array, directory: Directory): TiffVariant {
  const tiff = openTiff(bytes);
  if (!tiff) return { isUnsupported: false, isFloat: false, hasAlpha: false };
  const layout = layoutOf(tiff, directory);
  const extra = integersOf(tiff, directory.get(EXTRA_SAMPLES), 1)[0] ?? UNASSOCIATED_ALPHA;
  return {
    isUnsupported: !(hasReadableNumbers(layout) && hasReadableColours(layout) && hasReadableData(layout)),
    isFloat: layout.isFloat,
    hasAlpha: layout.samples === layout.colourCount + 1 && (extra === ASSOCIATED_ALPHA || extra === UNASSOCIATED_ALPHA),
  };
}

interface Layout {
  readonly bits: number;
  readonly samples: number;
  readonly compression: number;
  readonly photometric: number;
  readonly isUnsigned: boolean;
  readonly isFloat: boolean;
  readonly colourCount: number;
  readonly isCmyk: boolean;
  readonly isTiled: boolean;
  readonly isPlanar: boolean;
  readonly hasProfile: boolean;
}

function layoutOf(tiff: Tiff, directory: Directory): Layout {
  const tag = (name: number, otherwise: number) => integerOf(tiff, directory, name) ?? otherwise;
  const [photometric, sampleFormat] = [tag(PHOTOMETRIC, 1), tag(SAMPLE_FORMAT, UNSIGNED)];
  return {
    bits: tag(BITS_PER_SAMPLE, 1),
    samples: tag(SAMPLES_PER_PIXEL, 1),
    compression: tag(COMPRESSION, UNCOMPRESSED),
    photometric,
    isUnsigned: sampleFormat === UNSIGNED,
    isFloat: sampleFormat === FLOAT,
    colourCount: colours.get(photometric) ?? 0,
    isCmyk: tag(INK_SET, CMYK) === CMYK,
    isTiled: directory.has(TILE_OFFSETS),
    isPlanar: tag(PLANAR_CONFIGURATION, 1) === SEPARATE_PLANES,
    hasProfile: directory.has(COLOUR_PROFILE),
  };
}

function hasReadableNumbers({ bits, colourCount, isFloat, isUnsigned, hasProfile, photometric }: Layout): boolean {
  if (isUnsigned) return bits === 8 || bits === 16 || (colourCount === 1 && [1, 2, 4].includes(bits));
  if (!isFloat) return false;
  if (colourCount === 3) return bits === 16 || bits === 32;
  // Without a profile, programs disagree whether grey is linear.
  return photometric === BLACK_IS_ZERO && bits === 32 && hasProfile;
}

function hasReadableColours({ colourCount, samples, photometric, compression, isCmyk }: Layout): boolean {
  return (
    colourCount > 0 &&
    samples >= colourCount &&
    samples <= MAX_SAMPLES &&
    (photometric !== YCBCR || compression === JPEG) &&
    (photometric !== INKS || isCmyk)
  );
}

/** Of planes, libvips reads neither tiles nor those of grey. */
function hasReadableData({ compression, samples, colourCount, isTiled, isPlanar }: Layout): boolean {
  return COMPRESSIONS.includes(compression) && !(isPlanar && samples > 1 && (isTiled || colourCount === 1));
}

/** The share of the image whose data lie beyond the end of the file. */
export function lostShareOfTiff(bytes: Uint8Array, directory: Directory): number {
  const tiff = openTiff(bytes);
  if (!tiff) return 0;
  const isTiled = directory.has(TILE_OFFSETS);
  const offsets = directory.get(isTiled ? TILE_OFFSETS : STRIP_OFFSETS);
  const lengths = directory.get(isTiled ? TILE_BYTE_COUNTS : STRIP_BYTE_COUNTS);
  const isCompressed = (integerOf(tiff, directory, COMPRESSION) ?? UNCOMPRESSED) !== UNCOMPRESSED;
  const file: FileEnd = {
    length: bytes.length,
    // An interrupted copy ends in zeros. Those of pixels may be black.
    end: isCompressed ? bytes.findLastIndex((byte) => byte !== 0) + 1 : bytes.length,
    isWhollyNeeded: isTiled || isCompressed,
  };
  const pieces = offsets?.count ?? 0;
  let lost = 0;
  for (let index = 0; index < pieces; index += 1) {
    const start = integerAt(tiff, offsets, index);
    // Even the list of pieces is beyond the end.
    if (start === undefined) return 1;
    // Some programs leave out the only length.
    const length = integerAt(tiff, lengths, index) ?? uncompressedLength(tiff, directory);
    lost += missingShare(start, length, file);
  }
  return pieces === 0 ? 1 : lost / pieces;
}

interface FileEnd {
  readonly length: number;
  /** Behind the last byte that is not zero. */
  readonly end: number;
  readonly isWhollyNeeded: boolean;
}

/** Some programs leave out pieces that are empty. */
function missingShare(start: number, length: number, file: FileEnd): number {
  if (length === 0) return 0;
  const missing = Math.min(length, Math.max(0, start + length - file.length));
  if (missing > 0) return file.isWhollyNeeded ? 1 : missing / length;
  // Zeros at the end of a piece may belong to it.
  return start >= file.end ? 1 : 0;
}

function uncompressedLength(tiff: Tiff, directory: Directory): number {
  const tag = (name: number) => integerOf(tiff, directory, name) ?? 1;
  const rows = Math.min(tag(ROWS_PER_STRIP), tag(IMAGE_LENGTH));
  return Math.ceil((tag(IMAGE_WIDTH) * tag(SAMPLES_PER_PIXEL) * tag(BITS_PER_SAMPLE)) / 8) * rows;
}
