import type { Work } from '../../core/limits.ts';
import { scannedPixels } from './jpeg-segments.ts';
import { SHARED_BYTES } from './shared-bytes.ts';
import {
  type Directory,
  type Entry,
  firstDirectory,
  firstOffset,
  integerAt,
  integerOf,
  openTiff,
  type Tiff,
  typeLength,
  wordAt,
} from './tiff-directory.ts';
import {
  COMPRESSION,
  IMAGE_LENGTH,
  IMAGE_WIDTH,
  PLANAR_CONFIGURATION,
  ROWS_PER_STRIP,
  SAMPLES_PER_PIXEL,
  STRIP_BYTE_COUNTS,
  STRIP_OFFSETS,
  TILE_BYTE_COUNTS,
  TILE_LENGTH,
  TILE_OFFSETS,
  TILE_WIDTH,
} from './tiff-tags.ts';

export interface TiffWork extends Pick<Work, 'readings' | 'pieces' | 'channels' | 'tagPairs' | 'scannedPixels'> {
  readonly pages: number;
}

const SEPARATE_PLANES = 2;
/** The old and the new way to hold JPEG. */
const JPEG: readonly number[] = [6, 7];

/**
 * What libtiff reads of all directories, and of the image in one of them, by default the first. In a file whose parts do not
 * overlap, that is at most the file itself. Stops at the first directory beyond that and {@link SHARED_BYTES}, so it takes
 * linear time even if directories overlap.
 */
export function tiffWork(bytes: Uint8Array, shown?: Directory): TiffWork {
  const tiff = openTiff(bytes);
  if (!tiff) return { pages: 0, readings: 0, pieces: 0, channels: 0, tagPairs: 0, scannedPixels: 0 };
  const whole = bytes.length + SHARED_BYTES;
  const visited = new Set<number>();
  let [read, tagPairs] = [0, 0];
  for (let at = firstOffset(tiff); at !== 0 && at < bytes.length && !visited.has(at) && read <= whole; ) {
    visited.add(at);
    const { entries, bytesRead, next } = directoryCost(tiff, at);
    read += bytesRead;
    tagPairs += entries ** 2;
    at = next;
  }
  const first = shown ?? firstDirectory(tiff);
  const image = sumOf(dataOf(tiff, first), ({ length }) => length);
  const readings = Math.max(read, image) / whole;
  // Only then: scans are counted in linear time only if strips do not share bytes.
  const hasScans = readings <= 1 && JPEG.includes(integerOf(tiff, first, COMPRESSION) ?? 0);
  const scansOf = ({ offset, length }: Piece) => scannedPixels(bytes.subarray(offset, offset + length));
  return {
    ...{ pages: visited.size, readings, tagPairs, pieces: piecesOf(tiff, first) },
    channels: integerOf(tiff, first, SAMPLES_PER_PIXEL) ?? 1,
    scannedPixels: hasScans ? sumOf(dataOf(tiff, first), scansOf) : 0,
  };
}

/** The directory and all values that it refers to, whatever their tags. */
function directoryCost(tiff: Tiff, start: number) {
  const { view, littleEndian, big } = tiff;
  const [countLength, entryLength] = big ? [8, 20] : [2, 12];
  if (start + countLength > view.byteLength) return { entries: 0, bytesRead: 0, next: 0 };
  const count = big ? wordAt(tiff, start) : view.getUint16(start, littleEndian);
  const first = start + countLength;
  const entries = Math.min(count, Math.floor((view.byteLength - first) / entryLength));
  let bytesRead = entries * entryLength;
  for (let index = 0; index < entries; index += 1) {
    const at = first + index * entryLength;
    const length = wordAt(tiff, at + 4) * typeLength(view.getUint16(at + 2, littleEndian));
    // libtiff ignores a tag that claims more than the file has.
    if (length > (big ? 8 : 4) && length <= view.byteLength) bytesRead += length;
  }
  const next = wordAt(tiff, first + count * entryLength);
  return { entries, bytesRead, next };
}

interface Piece {
  readonly offset: number;
  readonly length: number;
}

/** All strips and tiles of an image, clipped to the file. */
function* dataOf(tiff: Tiff, first: Directory): Generator<Piece> {
  yield* piecesAt(tiff, first.get(STRIP_OFFSETS), first.get(STRIP_BYTE_COUNTS));
  yield* piecesAt(tiff, first.get(TILE_OFFSETS), first.get(TILE_BYTE_COUNTS));
}

function* piecesAt(tiff: Tiff, offsets: Entry | undefined, lengths: Entry | undefined): Generator<Piece> {
  const { byteLength } = tiff.view;
  for (let index = 0; index < (offsets?.count ?? 0); index += 1) {
    const offset = integerAt(tiff, offsets, index);
    if (offset === undefined) break;
    // Without lengths, libtiff takes each piece to reach to the end.
    const length = lengths === undefined ? byteLength : (integerAt(tiff, lengths, index) ?? 0);
    yield { offset, length: Math.max(0, Math.min(length, byteLength - offset)) };
  }
}

function piecesOf(tiff: Tiff, first: Directory): number {
  const number = (tag: number, otherwise: number) => integerOf(tiff, first, tag) ?? otherwise;
  const [width, height] = [number(IMAGE_WIDTH, 0), number(IMAGE_LENGTH, 0)];
  const planes = number(PLANAR_CONFIGURATION, 1) === SEPARATE_PLANES ? number(SAMPLES_PER_PIXEL, 1) : 1;
  const isTiled = first.has(TILE_WIDTH) || first.has(TILE_LENGTH);
  const across = isTiled ? Math.ceil(width / Math.max(1, number(TILE_WIDTH, width))) : 1;
  const down = Math.ceil(height / Math.max(1, number(isTiled ? TILE_LENGTH : ROWS_PER_STRIP, height)));
  return across * down * planes;
}

/** One by one: a file may have millions of strips. */
function sumOf(pieces: Iterable<Piece>, cost: (piece: Piece) => number): number {
  let sum = 0;
  for (const piece of pieces) sum += cost(piece);
  return sum;
}
