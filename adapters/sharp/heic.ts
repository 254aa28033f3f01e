import { type Limits, rejectExcess } from '../../core/limits.ts';
import { type Rejection, rejected } from '../../core/outcome.ts';
import type { Bytes } from '../../core/ports.ts';
import type { Size } from '../../core/rendition.ts';
import { heifContent } from './heif-items.ts';
import { boxType } from './iso-boxes.ts';
import { findLibheif, type HeicFile, type HeicImage, HeifError, openHeic } from './libheif.ts';
import { type Prepared, plainUpload } from './prepared-upload.ts';
import { type PixelLayout, tiffFile } from './tiff-file.ts';

/** Replaces the pixels that sharp cannot decode, because its libheif has no HEVC decoder. */
export interface HeicDecoder {
  /**
   * The image as an uncompressed TIFF with its colour profile, upright.
   *
   * @param need `small`: a thumbnail will do, if the file has one
   */
  decode(upload: HeicUpload, need: HeicNeed): Prepared | Rejection;
}

export type HeicNeed = 'small' | 'whole';

/** Its bytes, and what sharp has read of them. */
export interface HeicUpload {
  readonly bytes: Bytes;
  readonly header: Size;
  readonly found: { readonly icc?: Uint8Array | undefined };
}

/** Undefined if libheif is not installed. */
export function heicDecoder(limits: Limits): HeicDecoder | undefined {
  const load = findLibheif();
  if (load === undefined) return undefined;
  return {
    decode({ bytes, header, found: { icc } }, need) {
      if (hasLostItsEnd(bytes)) return corrupt();
      try {
        const file = openHeic(load(), bytes, limits.pixels.heic * CODED_SIZE);
        // Header and profile would be another image's: sharp takes the first that is not hidden.
        if (!isSize(file.primary, header)) return unsupported('its main image has another size than its header');
        const small = need === 'small' ? thumbnailOf(file, header, icc) : undefined;
        const tiff = (small && tolerantly(() => tiffOf(small, icc))) ?? tiffOf(file.primary, icc);
        return plainUpload('tiff', tiff);
      } catch (error) {
        return rejectionFor(error, limits);
      }
    },
  };
}

const HEVC = boxType('hvc1');

/**
 * Coded pictures never end with a zero (ITU-T H.265, 7.4.1), but an interrupted copy leaves zeros, which our decoder takes for
 * pixels without a word.
 */
function hasLostItsEnd(bytes: Bytes): boolean {
  return [...heifContent(bytes).items.values()].some(({ type, extents }) => {
    const last = extents.at(-1);
    return type === HEVC && last !== undefined && bytes[last.start + last.length - 1] === 0;
  });
}

// HEVC codes whole blocks, of up to 64 pixels, and the header crops what is too much.
const CODED_SIZE = 1.2;

// ── Thumbnails ──────────────────────────────────────────────────────────────────────────────────────────────────────────

// As many pixels as a portrait needs (PORTRAIT_SIZE).
const MIN_THUMBNAIL_SIDE = 100;
const MAX_ASPECT_DIFFERENCE = 0.02;

/** One of the whole image, in the same colours. Decoding it takes a thirtieth of the time. */
function thumbnailOf({ thumbnails }: HeicFile, whole: Size, icc: Uint8Array | undefined): HeicImage | undefined {
  const aspect = whole.width / whole.height;
  return thumbnails.find(
    ({ width, height, profileBytes }) =>
      Math.min(width, height) >= MIN_THUMBNAIL_SIDE &&
      Math.abs(width / height / aspect - 1) <= MAX_ASPECT_DIFFERENCE &&
      profileBytes === (icc?.length ?? 0),
  );
}

/** A broken thumbnail is no reason to reject the image. */
function tolerantly<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof HeifError) return undefined;
    throw error;
  }
}

// ── Pixels ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

function tiffOf(image: HeicImage, icc: Uint8Array | undefined): Bytes {
  const { width, height, stride, data } = image.decode();
  if (!isSize({ width, height }, image)) throw new HeifError(INVALID_INPUT, 0, 'The decoded image has another size.');
  const isGrey = icc !== undefined && colourSpaceOf(icc) === 'GRAY';
  const profile = icc !== undefined && ['GRAY', 'RGB '].includes(colourSpaceOf(icc)) ? icc : undefined;
  const { file, pixels } = tiffFile({ width, height, channels: channelsOf(image.hasAlpha, isGrey) }, profile);
  const channels = image.hasAlpha ? 4 : 3;
  const rowBytes = width * channels;
  for (let y = 0; y < height; y += 1) {
    const row = data.subarray(y * stride, y * stride + rowBytes);
    if (image.isPremultiplied) divideByAlpha(row);
    if (isGrey) setGrey(pixels, y * width, row, channels);
    else pixels.set(row, y * rowBytes);
  }
  return file;
}

function channelsOf(hasAlpha: boolean, isGrey: boolean): PixelLayout['channels'] {
  if (isGrey) return hasAlpha ? 2 : 1;
  return hasAlpha ? 4 : 3;
}

/** Which kind of numbers a profile converts (ICC.1:2022, 7.2.8). */
function colourSpaceOf(icc: Uint8Array): string {
  return String.fromCharCode(...icc.subarray(16, 20));
}

function divideByAlpha(row: Uint8Array): void {
  for (let at = 0; at + 3 < row.length; at += 4) {
    const alpha = row[at + 3] ?? 0;
    for (let channel = at; channel < at + 3; channel += 1) {
      row[channel] = alpha === 0 ? 0 : Math.min(255, Math.round(((row[channel] ?? 0) * 255) / alpha));
    }
  }
}

/** The three colours of a grey pixel are equal. */
function setGrey(pixels: Uint8Array, pixelsBefore: number, row: Uint8Array, channels: 3 | 4): void {
  const kept = channels - 2;
  for (let at = 0, to = pixelsBefore * kept; at < row.length; at += channels, to += kept) {
    pixels[to] = row[at] ?? 0;
    if (kept === 2) pixels[to + 1] = row[at + 3] ?? 0;
  }
}

function isSize(one: Size, other: Size): boolean {
  return one.width === other.width && one.height === other.height;
}

// ── Errors ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

// heif_error_code and heif_suberror_code (heif_error.h)
const INVALID_INPUT = 2;
const UNSUPPORTED_FILE_TYPE = 3;
const UNSUPPORTED_FEATURE = 4;
const MEMORY_ALLOCATION = 6;
const DECODER_PLUGIN = 7;
const PLUGIN_LOADING = 11;
const SECURITY_LIMIT_EXCEEDED = 1000;

function rejectionFor(error: unknown, limits: Limits): Rejection {
  // A program in WebAssembly that has no memory left traps, as one with a bug does: a new process tells them apart.
  if (error instanceof Error && error.name === 'RuntimeError')
    throw new Error(`libheif: out of memory: ${error.message}`);
  if (!(error instanceof HeifError)) throw error;
  switch (error.code) {
    case INVALID_INPUT:
    case DECODER_PLUGIN:
      return corrupt();
    case UNSUPPORTED_FILE_TYPE:
    case UNSUPPORTED_FEATURE:
    case PLUGIN_LOADING:
      return unsupported('it uses a feature that our decoder lacks');
    case MEMORY_ALLOCATION:
      if (error.subcode === SECURITY_LIMIT_EXCEEDED) return rejectExcess('memory', limits);
      throw new Error(`libheif: out of memory: ${error.message}`);
    default:
      throw error;
  }
}

function corrupt(): Rejection {
  return rejected('corrupt', 'The HEIC file is damaged or incomplete. Please upload the original again.');
}

function unsupported(reason: string): Rejection {
  return rejected(
    'unsupported-format',
    `The HEIC file is of a kind that is not supported: ${reason}. Please share the image as JPEG.`,
  );
}
