import type { Bytes } from '../../core/ports.ts';
import type { Bitmap } from './bitmap-header.ts';
import { tiffFile } from './tiff-file.ts';

/** Where the transparency of a pixel is: nowhere, in the pixel, or in the mask of an icon. */
type Transparency = 'none' | 'alpha' | 'mask';

/** Programs that know nothing of transparency leave zeros in its place. */
export function transparencyOf(bitmap: Bitmap): Transparency {
  if (hasAlpha(bitmap)) return 'alpha';
  return bitmap.hasMask ? 'mask' : 'none';
}

/** The share of a bitmap for which there are no data. */
export function lostShareOfBitmap(bitmap: Bitmap): number {
  const { width, height, bits, data } = bitmap;
  if (bitmap.isRunLength) return 1 - drawRuns(bitmap) / height;
  return Math.max(0, 1 - data.length / rowsLength(width, height, bits));
}

/** The file ends early, perhaps within the mask of an icon. */
export function isCutOff(bitmap: Bitmap): boolean {
  const { width, height, bits, data } = bitmap;
  // Some programs write no mask behind pixels that have alpha.
  if (bitmap.isRunLength || transparencyOf(bitmap) !== 'mask') return lostShareOfBitmap(bitmap) > 0;
  return data.length < rowLength(width, bits) * height + rowsLength(width, height, 1);
}

/** Some programs leave out what fills up the last row. */
function rowsLength(width: number, height: number, bits: number): number {
  return rowLength(width, bits) * (height - 1) + Math.ceil((width * bits) / 8);
}

/** An uncompressed TIFF, with the profile. What is missing of the data is black. */
export function bitmapTiff(bitmap: Bitmap): Bytes {
  const { width, height, profile, isTopDown } = bitmap;
  const transparency = transparencyOf(bitmap);
  const channels = transparency === 'none' ? 3 : 4;
  const { file, pixels } = tiffFile({ width, height, channels }, profile);
  if (channels === 4) for (let at = 3; at < pixels.length; at += 4) pixels[at] = 255;
  if (bitmap.isRunLength) {
    const colours = coloursOf(bitmap);
    // Pixels that no code draws have the first colour of the palette.
    for (let at = 0; at < pixels.length; at += channels) setColour(pixels, at, colours[0]);
    drawRuns(bitmap, (x, y, index) => {
      const row = (isTopDown ? y : height - 1 - y) * width;
      setColour(pixels, (row + x) * channels, colours[index]);
    });
  } else {
    const writeRow = rowWriter(bitmap, channels, transparency);
    for (let y = 0; y < height; y += 1) writeRow(rowAt(bitmap, y), pixels.subarray(y * width * channels));
  }
  if (transparency === 'mask') setMask(bitmap, pixels);
  return file;
}

/** Rows begin at multiples of four bytes. */
function rowLength(width: number, bits: number): number {
  return Math.ceil((width * bits) / 32) * 4;
}

/** The row of the upright picture: most bitmaps begin with their last. */
function rowAt({ width, height, bits, data, isTopDown }: Bitmap, y: number): Uint8Array {
  const length = rowLength(width, bits);
  const at = (isTopDown ? y : height - 1 - y) * length;
  return data.subarray(at, at + length);
}

// ── Colours ─────────────────────────────────────────────────────────────────────────────────────────────────────────

type Colour = readonly [red: number, green: number, blue: number];
const BLACK: Colour = [0, 0, 0];

function coloursOf({ palette, paletteEntryBytes }: Bitmap): readonly Colour[] {
  return Array.from({ length: Math.floor(palette.length / paletteEntryBytes) }, (_, index): Colour => {
    const [blue = 0, green = 0, red = 0] = palette.subarray(index * paletteEntryBytes);
    return [red, green, blue];
  });
}

type RowWriter = (row: Uint8Array, target: Uint8Array) => void;

function rowWriter(bitmap: Bitmap, channels: 3 | 4, transparency: Transparency): RowWriter {
  if (bitmap.bits <= 8) return indexedRow(bitmap, channels);
  if (bitmap.bits === 24) return plainRow(bitmap, channels);
  return maskedRow(bitmap, channels, transparency === 'alpha' ? bitmap.masks : bitmap.masks.slice(0, 3));
}

function indexedRow(bitmap: Bitmap, channels: 3 | 4): RowWriter {
  const { width, bits } = bitmap;
  const colours = coloursOf(bitmap);
  const [perByte, last] = [8 / bits, 2 ** bits - 1];
  return (row, target) => {
    const available = Math.min(width, row.length * perByte);
    for (let x = 0; x < available; x += 1) {
      const byte = row[Math.floor(x / perByte)] ?? 0;
      setColour(target, x * channels, colours[(byte >> (8 - bits * (1 + (x % perByte)))) & last]);
    }
  };
}

function setColour(target: Uint8Array, at: number, [red, green, blue]: Colour = BLACK): void {
  target[at] = red;
  target[at + 1] = green;
  target[at + 2] = blue;
}

function plainRow({ width }: Bitmap, channels: 3 | 4): RowWriter {
  return (row, target) => {
    const available = Math.min(width, Math.floor(row.length / 3));
    for (let x = 0, from = 0, to = 0; x < available; x += 1, from += 3, to += channels) {
      target[to] = row[from + 2] ?? 0;
      target[to + 1] = row[from + 1] ?? 0;
      target[to + 2] = row[from] ?? 0;
    }
  };
}

function maskedRow({ width, bits }: Bitmap, channels: 3 | 4, masks: readonly number[]): RowWriter {
  const bytes = bits / 8;
  const scales = masks.map((mask) => {
    const most = shifted(mask, mask);
    return most === 0 ? 0 : 255 / most;
  });
  return (row, target) => {
    const available = Math.min(width, Math.floor(row.length / bytes));
    for (let x = 0; x < available; x += 1) {
      const pixel = pixelAt(row, x * bytes, bytes);
      for (const [channel, mask] of masks.entries()) {
        target[x * channels + channel] = Math.round(shifted(pixel, mask) * (scales[channel] ?? 0));
      }
    }
  };
}

function pixelAt(row: Uint8Array, at: number, bytes: number): number {
  const low = (row[at] ?? 0) | ((row[at + 1] ?? 0) << 8);
  return bytes === 2 ? low : (low | ((row[at + 2] ?? 0) << 16) | ((row[at + 3] ?? 0) << 24)) >>> 0;
}

/** The number in the bits of the mask. */
function shifted(pixel: number, mask: number): number {
  return mask === 0 ? 0 : ((pixel & mask) >>> 0) >>> (31 - Math.clz32(mask & -mask));
}

// ── Transparency ────────────────────────────────────────────────────────────────────────────────────────────────────

function hasAlpha(bitmap: Bitmap): boolean {
  const { bits, data } = bitmap;
  const alpha = bitmap.masks[3];
  if ((bits !== 16 && bits !== 32) || alpha === 0) return false;
  const bytes = bits / 8;
  const end = Math.min(data.length, rowLength(bitmap.width, bits) * bitmap.height);
  // Rows of 16 bits may end with two bytes that are no pixel, which programs leave zero.
  for (let at = 0; at + bytes <= end; at += bytes) if ((pixelAt(data, at, bytes) & alpha) !== 0) return true;
  return false;
}

/** Of an icon: one bit for each pixel, which is set where the picture is transparent. */
function setMask({ width, height, bits, data }: Bitmap, pixels: Uint8Array): void {
  const [from, length] = [rowLength(width, bits) * height, rowLength(width, 1)];
  for (let y = 0; y < height; y += 1) {
    const row = data.subarray(from + (height - 1 - y) * length, from + (height - y) * length);
    for (let x = 0; x < width; x += 1) {
      if (((row[x >> 3] ?? 0) & (0x80 >> (x & 7))) !== 0) pixels[(y * width + x) * 4 + 3] = 0;
    }
  }
}

// ── Runs ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const END_OF_ROW = 0;
const END_OF_BITMAP = 1;
const MOVE = 2;

/**
 * What a bitmap's codes draw (RLE8 and RLE4), with rows in the order of the file.
 *
 * @returns the number of rows that are complete: all, if the end of the bitmap is marked
 */
function drawRuns(bitmap: Bitmap, draw?: Draw): number {
  const { width, height, data } = bitmap;
  const pen = new Pen(bitmap, draw);
  while (pen.y < height && pen.at + 1 < data.length) {
    if (!pen.followCode()) return height;
  }
  return Math.min(height, pen.x >= width ? pen.y + 1 : pen.y);
}

type Draw = (x: number, y: number, index: number) => void;

class Pen {
  x = 0;
  y = 0;
  /** In the data. */
  at = 0;
  private readonly bitmap: Bitmap;
  private readonly perByte: number;
  private readonly draw: Draw | undefined;

  constructor(bitmap: Bitmap, draw: Draw | undefined) {
    this.bitmap = bitmap;
    this.perByte = 8 / bitmap.bits;
    this.draw = draw;
  }

  /** False at the end of the bitmap. */
  followCode(): boolean {
    const [count, code] = [this.byteAt(this.at), this.byteAt(this.at + 1)];
    this.at += 2;
    if (count > 0) this.drawRun(count, () => code);
    else if (code === END_OF_ROW) this.goTo(0, this.y + 1);
    else if (code === END_OF_BITMAP) return false;
    else if (code === MOVE) {
      this.goTo(this.x + this.byteAt(this.at), this.y + this.byteAt(this.at + 1));
      this.at += 2;
    } else {
      const available = Math.max(0, (this.bitmap.data.length - this.at) * this.perByte);
      this.drawRun(Math.min(code, available), (each) => this.byteAt(this.at + Math.floor(each / this.perByte)));
      // To an even number of bytes.
      this.at += 2 * Math.ceil(code / this.perByte / 2);
    }
    return true;
  }

  private byteAt(at: number): number {
    return this.bitmap.data[at] ?? 0;
  }

  private goTo(x: number, y: number): void {
    this.x = Math.min(this.bitmap.width, x);
    this.y = y;
  }

  private drawRun(count: number, byteOf: (each: number) => number): void {
    const drawn = Math.min(count, this.bitmap.width - this.x);
    for (let each = 0; this.draw !== undefined && each < drawn; each += 1) {
      const byte = byteOf(each);
      // A byte holds two pixels of four bits, which alternate.
      const index = this.perByte === 1 ? byte : each % 2 === 0 ? byte >> 4 : byte & 15;
      this.draw(this.x + each, this.y, index);
    }
    this.x += drawn;
  }
}
