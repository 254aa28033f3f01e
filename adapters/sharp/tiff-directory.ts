import { TILE_LENGTH, TILE_OFFSETS, TILE_WIDTH } from './tiff-tags.ts';

/**
 * Reads the directories of a TIFF (TIFF 6.0, BigTIFF) or of EXIF, which has the same structure. Even a hostile file costs
 * only one pass over its entries: values are read on request, and never more than was requested.
 */

/** By tag. The first of several entries with the same tag wins. */
export type Directory = ReadonlyMap<number, Entry>;

export interface Entry {
  readonly type: number;
  readonly count: number;
  readonly at: number;
}

export interface Tiff {
  readonly view: DataView;
  readonly littleEndian: boolean;
  readonly big: boolean;
}

/** A decoder holds a whole row of tiles at once, and tiles may be as high as the image. */
export function hasTiles(directory: Directory): boolean {
  return [TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS].some((tag) => directory.has(tag));
}

const ASCII = 2;
const SHORT = 3;
const LONG = 4;
const RATIONAL = 5;
const UNDEFINED = 7;
const SIGNED_RATIONAL = 10;
// EXIF 3.0
const UTF8 = 129;
const TEXTS: readonly number[] = [ASCII, UNDEFINED, UTF8];
/** In bytes, by type: TIFF 6.0, and the types of eight bytes in BigTIFF. Bytes and unknown types have one. */
export function typeLength(type: number): number {
  return typeLengths[type] ?? 1;
}

const typeLengths: Readonly<Record<number, number>> = {
  ...{ [SHORT]: 2, [LONG]: 4, [RATIONAL]: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4 },
  ...{ 16: 8, 17: 8, 18: 8 },
};

export function openTiff(bytes: Uint8Array): Tiff | undefined {
  if (bytes.length < 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const order = view.getUint16(0);
  const littleEndian = order === 0x4949;
  const version = view.getUint16(2, littleEndian);
  const known = (littleEndian || order === 0x4d4d) && (version === 42 || version === 43);
  return known ? { view, littleEndian, big: version === 43 } : undefined;
}

/** Of the first directory. */
export function firstOffset(tiff: Tiff): number {
  return wordAt(tiff, tiff.big ? 8 : 4);
}

export function firstDirectory(tiff: Tiff): Directory {
  return directoryAt(tiff, firstOffset(tiff));
}

export function directoryAt(tiff: Tiff, start: number): Directory {
  const { view, littleEndian, big } = tiff;
  const [countLength, entryLength] = big ? [8, 20] : [2, 12];
  const entries = new Map<number, Entry>();
  if (start + countLength > view.byteLength) return entries;
  const count = big ? wordAt(tiff, start) : view.getUint16(start, littleEndian);
  const first = start + countLength;
  for (let at = first; at < first + count * entryLength && at + entryLength <= view.byteLength; at += entryLength) {
    const tag = view.getUint16(at, littleEndian);
    if (!entries.has(tag)) entries.set(tag, entryAt(tiff, at));
  }
  return entries;
}

/** Up to the first NUL, behind which cameras leave whatever was there. In UTF-8, or else in Latin-1. */
export function textOf({ view }: Tiff, entry: Entry | undefined, maxBytes: number): string | undefined {
  if (entry === undefined || !TEXTS.includes(entry.type) || entry.at > view.byteLength) return undefined;
  const length = Math.min(entry.count, maxBytes, view.byteLength - entry.at);
  const bytes = new Uint8Array(view.buffer, view.byteOffset + entry.at, length);
  const end = bytes.indexOf(0);
  const text = bytes.subarray(0, end === -1 ? length : end);
  try {
    // As a stream, because the limit may divide a character.
    return new TextDecoder('utf-8', { fatal: true }).decode(text, { stream: true });
  } catch {
    return Buffer.from(text).toString('latin1');
  }
}

/** At most `most` fractions, or integers. NaN for what is neither. */
export function numbersOf(tiff: Tiff, entry: Entry | undefined, most: number): readonly number[] {
  const { view, littleEndian } = tiff;
  if (entry === undefined) return [];
  if (entry.type !== RATIONAL && entry.type !== SIGNED_RATIONAL) return integersOf(tiff, entry, most);
  const count = Math.min(entry.count, most, Math.floor((view.byteLength - entry.at) / 8));
  return Array.from({ length: Math.max(0, count) }, (_, index) => {
    const at = entry.at + index * 8;
    return entry.type === RATIONAL
      ? view.getUint32(at, littleEndian) / view.getUint32(at + 4, littleEndian)
      : view.getInt32(at, littleEndian) / view.getInt32(at + 4, littleEndian);
  });
}

/** At most `most` integers of an entry. */
export function integersOf(tiff: Tiff, entry: Entry | undefined, most: number): readonly number[] {
  const count = Math.min(entry?.count ?? 0, most);
  return Array.from({ length: count }, (_, index) => integerAt(tiff, entry, index)).filter(
    (value) => value !== undefined,
  );
}

/** The first, or only, integer with a tag. */
export function integerOf(tiff: Tiff, directory: Directory, tag: number): number | undefined {
  return integerAt(tiff, directory.get(tag), 0);
}

/** Undefined beyond the end of the entry or of the file. */
export function integerAt(tiff: Tiff, entry: Entry | undefined, index: number): number | undefined {
  if (entry === undefined || index >= entry.count) return undefined;
  const length = typeLength(entry.type);
  const at = entry.at + index * length;
  if (at + length > tiff.view.byteLength) return undefined;
  if (length === 1) return tiff.view.getUint8(at);
  if (length === 2) return tiff.view.getUint16(at, tiff.littleEndian);
  if (length === 4) return tiff.view.getUint32(at, tiff.littleEndian);
  return Number(tiff.view.getBigUint64(at, tiff.littleEndian));
}

function entryAt(tiff: Tiff, at: number): Entry {
  const { view, littleEndian, big } = tiff;
  const type = view.getUint16(at + 2, littleEndian);
  const count = wordAt(tiff, at + 4);
  const valueAt = at + (big ? 12 : 8);
  const fits = count * typeLength(type) <= (big ? 8 : 4);
  return { type, count, at: fits ? valueAt : wordAt(tiff, valueAt) };
}

/** A count or an offset; infinite beyond the end of the file. */
export function wordAt({ view, littleEndian, big }: Tiff, at: number): number {
  if (at + (big ? 8 : 4) > view.byteLength) return Number.POSITIVE_INFINITY;
  return big ? Number(view.getBigUint64(at, littleEndian)) : view.getUint32(at, littleEndian);
}
