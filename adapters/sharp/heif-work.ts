import type { Work } from '../../core/limits.ts';
import { type HeifContent, type HeifItem, type HeifItems, heifContent, MAX_PARTS } from './heif-items.ts';
import { hevcFrames } from './hevc-frames.ts';
import { BoxReader, boxType } from './iso-boxes.ts';
import { SHARED_BYTES } from './shared-bytes.ts';

// A grid of tiles, with alpha, has two. Deeper than this, or in a cycle, counts as unlimited.
const MAX_DEPTH = 8;

const AV1 = boxType('av01');
const HEVC = boxType('hvc1');
const GRID = boxType('grid');
const FRAME_HEADER = 3;
const FRAME = 6;

export type HeifWork = Pick<Work, 'items' | 'readings' | 'decodedPixels'> & Pick<HeifContent, 'isAmbiguous'>;

/** What libheif reads when it opens an AVIF or HEIC, and what it decodes for the largest of its images. */
export function heifWork(bytes: Uint8Array): HeifWork {
  const { items, isAmbiguous, hasTooManyParts } = heifContent(bytes);
  if (hasTooManyParts) return { isAmbiguous: false, items: MAX_PARTS, readings: 0, decodedPixels: 0 };
  const whole = bytes.length + SHARED_BYTES;
  const read = sum([...items.values()].map(bytesOf)) / whole;
  // Only now: frames are counted in linear time only if items do not share bytes.
  if (isAmbiguous || read > 1) return { isAmbiguous, items: items.size, readings: read, decodedPixels: 0 };
  const cost = costOf(items, bytes);
  const costs = [...items.keys()].map((id) => cost(id));
  return {
    isAmbiguous,
    items: items.size,
    readings: highest(costs.map(({ coded }) => coded / whole)),
    decodedPixels: highest(costs.map(({ pixels }) => pixels)),
  };
}

interface Cost {
  readonly pixels: number;
  /** Bytes of coded image data, as often as they are decoded. */
  readonly coded: number;
}

const UNLIMITED: Cost = { pixels: Number.POSITIVE_INFINITY, coded: 0 };

/** Each item once, however many are derived from it. */
function costOf(items: HeifItems, bytes: Uint8Array): (id: number, depth?: number) => Cost {
  const known = new Map<number, Cost>();
  const cost = (id: number, depth = 0): Cost => {
    const item = items.get(id);
    if (item === undefined) return { pixels: 0, coded: 0 };
    if (depth > MAX_DEPTH) return UNLIMITED;
    const counted = known.get(id);
    if (counted) return counted;
    const sources = item.sources.map((source) => cost(source, depth + 1));
    const own = item.pixels * framesIn(item, bytes);
    const others = sum(sources.map((source) => source.pixels));
    // A grid only copies its tiles, in next to no time. The larger of both, because its canvas is filled even where tiles are missing, and
    // tiles are decoded even where they exceed it.
    const pixels = item.type === GRID ? Math.max(own, others) : own + others;
    const found = {
      pixels: pixels * (1 + item.transforms),
      coded: bytesOf(item) + sum(sources.map(({ coded }) => coded)),
    };
    known.set(id, found);
    return found;
  };
  return cost;
}

function bytesOf({ extents }: HeifItem): number {
  return sum(extents.map(({ length }) => length));
}

/** Frames of an item's data: the decoder decodes all and shows one. Also of each part, in case it skips the others. */
function framesIn({ type, extents }: HeifItem, bytes: Uint8Array): number {
  const framesOf = frameCounters.get(type);
  if (framesOf === undefined) return 1;
  const parts = extents.map(({ start, length }) => bytes.subarray(start, start + length));
  const [first = new Uint8Array()] = parts;
  const whole = framesOf(unitsOf(parts.length === 1 ? first : Buffer.concat(parts)));
  // Nothing behind a unit without a length can be counted. libaom refuses them.
  if (!whole.isCounted) return Number.POSITIVE_INFINITY;
  return highest([1, whole.frames, ...(parts.length === 1 ? [] : parts.map((part) => framesOf(unitsOf(part)).frames))]);
}

function unitsOf(data: Uint8Array): BoxReader {
  return new BoxReader(new DataView(data.buffer, data.byteOffset, data.byteLength), 0, data.byteLength);
}

interface Frames {
  readonly frames: number;
  readonly isCounted: boolean;
}

const frameCounters: ReadonlyMap<number, (units: BoxReader) => Frames> = new Map([
  [AV1, av1Frames],
  [HEVC, (units) => ({ frames: hevcFrames(units), isCounted: true })],
]);

/** AV1, 5.3. */
function av1Frames(units: BoxReader): Frames {
  let frames = 0;
  while (!units.isAtEnd) {
    const header = units.number(1);
    // libaom skips zeros between frames.
    if (header === 0) continue;
    const type = (header >> 3) & 15;
    if (type === FRAME || type === FRAME_HEADER) frames += 1;
    const [isExtended, hasSize] = [(header & 4) !== 0, (header & 2) !== 0];
    if (!hasSize) return { frames, isCounted: false };
    if (isExtended) units.at += 1;
    const length = leb128(units);
    units.at += length;
  }
  return { frames, isCounted: true };
}

function leb128(reader: BoxReader): number {
  let value = 0;
  for (let index = 0; index < 8; index += 1) {
    const byte = reader.number(1);
    value += (byte & 0x7f) * 2 ** (7 * index);
    if ((byte & 0x80) === 0) break;
  }
  return value;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Math.max cannot take as many arguments as a file has items. */
function highest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
