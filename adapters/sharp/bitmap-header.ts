import type { Bytes } from '../../core/ports.ts';

/** Pixels as Windows and OS/2 hold them (device-independent bitmap), in a BMP or an ICO. */
export interface Bitmap {
  readonly kind: 'bitmap';
  readonly width: number;
  readonly height: number;
  readonly isTopDown: boolean;
  /** Per pixel: 1, 2, 4, 8, 16, 24 or 32. */
  readonly bits: number;
  readonly isRunLength: boolean;
  /** Which bits of a pixel are red, green, blue and alpha, if it has 16 or 32. */
  readonly masks: Masks;
  /** Blue, green, red, and in all but the oldest version a fourth byte without meaning. */
  readonly palette: Uint8Array;
  readonly paletteEntryBytes: 3 | 4;
  /** From the first pixel to the end of the file. */
  readonly data: Uint8Array;
  readonly profile: Bytes | undefined;
  /** Of an icon: behind the pixels, a bit for each says whether it is transparent. */
  readonly hasMask: boolean;
}

export type Masks = readonly [red: number, green: number, blue: number, alpha: number];

/** A whole file of another format takes the place of the pixels. */
export interface EmbeddedImage {
  readonly kind: 'embedded';
  readonly bytes: Bytes;
}

/** `unsupported`: a variant that we do not read. `damaged`: no header of a bitmap. */
export type BitmapHeader = Bitmap | EmbeddedImage | { readonly kind: 'unsupported' | 'damaged' };

const FILE_HEADER_LENGTH = 14;

/** Of a BMP: Microsoft's BITMAPCOREHEADER to BITMAPV5HEADER, and OS/2's BITMAPINFOHEADER2. */
export function bmpHeader(bytes: Bytes): BitmapHeader {
  if (bytes.length < FILE_HEADER_LENGTH) return { kind: 'damaged' };
  const pixelsAt = viewOf(bytes).getUint32(10, true);
  return bitmapHeader(bytes, { at: FILE_HEADER_LENGTH, pixelsAt });
}

interface Place {
  readonly at: number;
  /** Otherwise, the pixels follow the palette. */
  readonly pixelsAt?: number;
  /** In the directory of icons, whose bitmaps count their mask as half of their height. */
  readonly icon?: { readonly height: number };
}

// Lengths of headers, which are their versions.
const OLDEST = 12;
const WITH_MASKS = 52;
const WITH_ALPHA_MASK = 56;
const WITH_PROFILE = 124;
const WINDOWS: readonly number[] = [40, WITH_MASKS, WITH_ALPHA_MASK, 108, WITH_PROFILE];
// OS/2's may be shortened.
const [SHORTEST_OF_OS2, LONGEST_OF_OS2] = [16, 64];

const PLAIN = 0;
const RUN_LENGTH_8 = 1;
const RUN_LENGTH_4 = 2;
const BIT_FIELDS = 3;
const JPEG = 4;
const PNG = 5;
const ALPHA_BIT_FIELDS = 6;
const PLAIN_BITS: readonly number[] = [1, 2, 4, 8, 16, 24, 32];

export function bitmapHeader(bytes: Bytes, place: Place): BitmapHeader {
  const { at, icon } = place;
  const length = at + 4 <= bytes.length ? viewOf(bytes).getUint32(at, true) : 0;
  if (length < OLDEST || at + length > bytes.length) return { kind: 'damaged' };
  const isWindows = WINDOWS.includes(length);
  const isOs2 = length === OLDEST || (length >= SHORTEST_OF_OS2 && length <= LONGEST_OF_OS2);
  if (!isWindows && !isOs2) return { kind: 'unsupported' };

  const fields = fieldsOf(bytes, at, length);
  const { compression, storedHeight } = fields;
  const height = heightOf(storedHeight, icon);
  if (fields.width <= 0 || height <= 0) return { kind: 'damaged' };
  if (isWindows && (compression === JPEG || compression === PNG)) return embeddedImage(bytes, fields, place);
  if (!isKnown(fields, isWindows)) return { kind: 'unsupported' };
  return {
    ...{ kind: 'bitmap', width: fields.width, height, isTopDown: storedHeight < 0, bits: fields.bits },
    isRunLength: compression === RUN_LENGTH_8 || compression === RUN_LENGTH_4,
    hasMask: icon !== undefined && height < Math.abs(storedHeight),
    masks: masksOf(bytes, fields, place),
    ...paletteAndData(bytes, fields, place),
    profile: profileOf(bytes, fields, at),
  };
}

interface Fields {
  /** Of the header. */
  readonly length: number;
  readonly width: number;
  /** Negative if the first row is the topmost. */
  readonly storedHeight: number;
  readonly bits: number;
  readonly compression: number;
  readonly bytesOfImage: number;
  readonly colours: number;
  /** The first Windows version keeps its masks behind the header. */
  readonly masksBehind: number;
}

/** What a short header lacks is zero. */
function fieldsOf(bytes: Bytes, at: number, length: number): Fields {
  const view = viewOf(bytes);
  const uint32 = (offset: number) => (offset + 4 <= length ? view.getUint32(at + offset, true) : 0);
  const compression = uint32(16);
  const size =
    length === OLDEST
      ? {
          width: view.getUint16(at + 4, true),
          storedHeight: view.getUint16(at + 6, true),
          bits: view.getUint16(at + 10, true),
        }
      : { width: uint32(4) | 0, storedHeight: uint32(8) | 0, bits: view.getUint16(at + 14, true) };
  const ownMasks = compression === BIT_FIELDS ? 12 : compression === ALPHA_BIT_FIELDS ? 16 : 0;
  return {
    ...{ ...size, length, compression, bytesOfImage: uint32(20), colours: uint32(32) },
    masksBehind: length < WITH_MASKS ? ownMasks : 0,
  };
}

/** Half of it, unless the icon has no mask. */
function heightOf(stored: number, icon: Place['icon']): number {
  const height = Math.abs(stored);
  return icon === undefined || height === icon.height ? height : Math.floor(height / 2);
}

function isKnown({ compression, bits }: Fields, isWindows: boolean): boolean {
  switch (compression) {
    case PLAIN:
      return PLAIN_BITS.includes(bits);
    case RUN_LENGTH_8:
      return bits === 8;
    case RUN_LENGTH_4:
      return bits === 4;
    case BIT_FIELDS:
    case ALPHA_BIT_FIELDS:
      // In a file of OS/2, a fax.
      return isWindows && (bits === 16 || bits === 32);
    default:
      return false;
  }
}

function embeddedImage(bytes: Bytes, { bytesOfImage }: Fields, { pixelsAt }: Place): BitmapHeader {
  if (pixelsAt === undefined) return { kind: 'unsupported' };
  return { kind: 'embedded', bytes: bytes.subarray(pixelsAt, bytesOfImage > 0 ? pixelsAt + bytesOfImage : undefined) };
}

const MASKS_AT = 40;

function masksOf(bytes: Bytes, { compression, bits, length, masksBehind }: Fields, { at, icon }: Place): Masks {
  const view = viewOf(bytes);
  const mask = (index: number) => {
    const from = at + MASKS_AT + 4 * index;
    return from + 4 <= Math.min(bytes.length, at + length + masksBehind) ? view.getUint32(from, true) : 0;
  };
  if (compression === BIT_FIELDS || compression === ALPHA_BIT_FIELDS) return [mask(0), mask(1), mask(2), mask(3)];
  if (bits === 16) return [0x7c00, 0x3e0, 0x1f, 0];
  // The fourth byte of a pixel is transparency in icons only.
  return [0xff0000, 0xff00, 0xff, icon === undefined ? 0 : 0xff000000];
}

function paletteAndData(bytes: Bytes, { length, masksBehind, bits, colours }: Fields, { at, pixelsAt }: Place) {
  const paletteAt = at + length + masksBehind;
  const paletteEntryBytes: Bitmap['paletteEntryBytes'] = length === OLDEST ? 3 : 4;
  const most = bits <= 8 ? 2 ** bits : 0;
  const counted = colours || most;
  const dataAt = pixelsAt !== undefined && pixelsAt >= paletteAt ? pixelsAt : paletteAt + counted * paletteEntryBytes;
  const paletteEnd = Math.min(dataAt, paletteAt + Math.min(counted, most) * paletteEntryBytes);
  return { paletteEntryBytes, palette: bytes.subarray(paletteAt, paletteEnd), data: bytes.subarray(dataAt) };
}

const EMBEDDED_PROFILE = 0x4d424544;
const COLOUR_SPACE_AT = 16;

/** Undefined if it is not whole, or for other colours than red, green and blue (ICC.1:2022, 7.2.8). */
function profileOf(bytes: Bytes, { length }: Fields, at: number): Bytes | undefined {
  const view = viewOf(bytes);
  if (length !== WITH_PROFILE || view.getUint32(at + 56, true) !== EMBEDDED_PROFILE) return undefined;
  const [from, size] = [at + view.getUint32(at + 112, true), view.getUint32(at + 116, true)];
  const profile = bytes.subarray(from, from + size);
  const space = String.fromCharCode(...profile.subarray(COLOUR_SPACE_AT, COLOUR_SPACE_AT + 4));
  return profile.length === size && space === 'RGB ' ? profile : undefined;
}

function viewOf(bytes: Bytes): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
