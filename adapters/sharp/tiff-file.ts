import type { Bytes } from '../../core/ports.ts';
import type { Size } from '../../core/rendition.ts';
import {
  BITS_PER_SAMPLE,
  COLOUR_PROFILE,
  COMPRESSION,
  EXTRA_SAMPLES,
  IMAGE_LENGTH,
  IMAGE_WIDTH,
  PHOTOMETRIC,
  ROWS_PER_STRIP,
  SAMPLES_PER_PIXEL,
  STRIP_BYTE_COUNTS,
  STRIP_OFFSETS,
} from './tiff-tags.ts';

/** Rows of pixels without gaps. */
export interface PixelLayout extends Size {
  /** Grey or RGB, each with or without a last channel of transparency that the colours are not multiplied by. */
  readonly channels: 1 | 2 | 3 | 4;
  /** Default 8. Numbers of 16 bits start with their lower byte. */
  readonly bitsPerChannel?: 8 | 16;
}

/**
 * An uncompressed TIFF (TIFF 6.0) for pixels from outside libvips, because raw pixels cannot have a colour profile there.
 * Write the pixels into `pixels`, which are part of `file`: they are not copied.
 */
export function tiffFile(layout: PixelLayout, icc?: Uint8Array): { readonly file: Bytes; readonly pixels: Bytes } {
  const { width, height, channels, bitsPerChannel = 8 } = layout;
  const rowBytes = (width * channels * bitsPerChannel) / 8;
  const rowsPerStrip = Math.max(1, Math.floor(MAX_STRIP_BYTES / rowBytes));
  const strips = Math.ceil(height / rowsPerStrip);
  const stripBytes = (strip: number) => Math.min(rowsPerStrip, height - strip * rowsPerStrip) * rowBytes;
  const each = <T>(count: number, value: (index: number) => T) => Array.from({ length: count }, (_, at) => value(at));

  const fieldsWith = (pixelsAt: number): readonly Field[] => [
    long(IMAGE_WIDTH, [width]),
    long(IMAGE_LENGTH, [height]),
    short(
      BITS_PER_SAMPLE,
      each(channels, () => bitsPerChannel),
    ),
    short(COMPRESSION, [1]),
    short(PHOTOMETRIC, [channels < 3 ? BLACK_IS_ZERO : RGB]),
    long(
      STRIP_OFFSETS,
      each(strips, (strip) => pixelsAt + strip * rowsPerStrip * rowBytes),
    ),
    short(SAMPLES_PER_PIXEL, [channels]),
    long(ROWS_PER_STRIP, [rowsPerStrip]),
    long(STRIP_BYTE_COUNTS, each(strips, stripBytes)),
    ...(channels % 2 === 0 ? [short(EXTRA_SAMPLES, [UNASSOCIATED_ALPHA])] : []),
    ...(icc === undefined ? [] : [{ tag: COLOUR_PROFILE, type: UNDEFINED, count: icc.length, bytes: icc }]),
  ];
  // The offsets take the same space whatever they are.
  const pixelsAt = writtenLength(fieldsWith(0));
  const file = new Uint8Array(pixelsAt + rowBytes * height);
  write(file, fieldsWith(pixelsAt));
  return { file, pixels: file.subarray(pixelsAt) };
}

// libtiff refuses strips of more than 50 MB, and reads one at a time.
const MAX_STRIP_BYTES = 1_000_000;

const BLACK_IS_ZERO = 1;
const RGB = 2;
const UNASSOCIATED_ALPHA = 2;

// ── Fields of a directory ───────────────────────────────────────────────────────────────────────────────────────────────

interface Field {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

const SHORT = 3;
const LONG = 4;
const UNDEFINED = 7;

function short(tag: number, values: readonly number[]): Field {
  const bytes = new Uint8Array(values.length * 2);
  const view = new DataView(bytes.buffer);
  for (const [at, value] of values.entries()) view.setUint16(at * 2, value, true);
  return { tag, type: SHORT, count: values.length, bytes };
}

function long(tag: number, values: readonly number[]): Field {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [at, value] of values.entries()) view.setUint32(at * 4, value, true);
  return { tag, type: LONG, count: values.length, bytes };
}

const DIRECTORY_AT = 8;
const valuesAt = (fields: readonly Field[]) => DIRECTORY_AT + 2 + fields.length * 12 + 4;
// Values of up to four bytes are in their entry; the others follow the directory at even offsets.
const isInEntry = ({ bytes }: Field) => bytes.length <= 4;
const paddedLength = ({ bytes }: Field) => bytes.length + (bytes.length % 2);

function writtenLength(fields: readonly Field[]): number {
  return fields
    .filter((field) => !isInEntry(field))
    .reduce((end, field) => end + paddedLength(field), valuesAt(fields));
}

/** The header, the only directory, and its values. */
function write(file: Bytes, fields: readonly Field[]): void {
  const view = new DataView(file.buffer);
  view.setUint16(0, 0x4949);
  view.setUint16(2, 42, true);
  view.setUint32(4, DIRECTORY_AT, true);
  view.setUint16(DIRECTORY_AT, fields.length, true);
  let valueAt = valuesAt(fields);
  for (const [index, field] of fields.entries()) {
    const at = DIRECTORY_AT + 2 + index * 12;
    view.setUint16(at, field.tag, true);
    view.setUint16(at + 2, field.type, true);
    view.setUint32(at + 4, field.count, true);
    if (isInEntry(field)) {
      file.set(field.bytes, at + 8);
    } else {
      view.setUint32(at + 8, valueAt, true);
      file.set(field.bytes, valueAt);
      valueAt += paddedLength(field);
    }
  }
}
