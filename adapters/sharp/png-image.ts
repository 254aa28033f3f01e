import { constants, crc32, createInflate, deflateSync, inflateSync } from 'node:zlib';
import type { Bytes } from '../../core/ports.ts';
import { joinBytes } from './join-bytes.ts';
import { type CodedColours, codedColours, gammaProfile, type Primaries } from './made-profile.ts';
import { type Chunk, chunksOf, SIGNATURE_LENGTH } from './png-chunks.ts';

/** What a PNG (3rd edition) says about itself that libvips does not read. */
export interface PngImage {
  /** Of an APNG; otherwise 1. */
  readonly frames: number;
  /** Apple's variant for apps, which other programs cannot read. */
  readonly isCgbi: boolean;
  /** Its colours as a profile, if it states them in another way and they are not those of sRGB. */
  readonly colours: CodedColours;
  readonly hasEnd: boolean;
}

interface NamedChunk extends Omit<Chunk, 'type'> {
  readonly type: string;
}

// Even the largest file, written in small chunks, has fewer.
const MAX_CHUNKS = 200_000;

/** Up to the end of the image, or to what is no chunk. */
function* namedChunks(bytes: Uint8Array): Generator<NamedChunk> {
  let left = MAX_CHUNKS;
  for (const chunk of chunksOf(bytes)) {
    const type = String.fromCharCode(...[24, 16, 8, 0].map((bits) => (chunk.type >> bits) & 255));
    if (left === 0 || !/^[a-z]{4}$/i.test(type)) return;
    yield { ...chunk, type };
    if (type === 'IEND') return;
    left -= 1;
  }
}

export function pngImage(bytes: Uint8Array): PngImage {
  const found = new Map<string, Uint8Array>();
  for (const { type, data } of namedChunks(bytes)) if (!found.has(type)) found.set(type, data);
  const frames = found.get('acTL');
  return {
    frames: frames && found.has('fcTL') ? Math.max(1, viewOf(frames).getUint32(0)) : 1,
    isCgbi: found.has('CgBI'),
    colours: coloursOf(found),
    hasEnd: found.has('IEND'),
  };
}

// ── Colours ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const GREY_TYPES: readonly number[] = [0, 4];
const SRGB_EXPONENT = 1 / 2.2;
const SRGB_NUMBERS = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];
// Programs round them in many ways.
const MAX_ROUNDING = 200;
const isNear = (one: number, other: number) => Math.abs(one - other) <= MAX_ROUNDING;

/** The order of precedence is that of the specification (4.3): cICP, iCCP, sRGB, gAMA and cHRM. */
function coloursOf(found: ReadonlyMap<string, Uint8Array>): CodedColours {
  const [coded, gamma, points] = [found.get('cICP'), found.get('gAMA'), found.get('cHRM')];
  const isGrey = GREY_TYPES.includes(found.get('IHDR')?.[9] ?? 0);
  if (coded && coded.length >= 2) return codedColours(coded[0] ?? 0, coded[1] ?? 0, isGrey);
  const none = { profile: undefined, isHdr: false };
  if (found.has('iCCP') || found.has('sRGB') || !gamma || gamma.length < 4) return none;
  const exponent = viewOf(gamma).getUint32(0) / 100_000;
  const numbers =
    points && points.length >= 32 ? SRGB_NUMBERS.map((_, at) => viewOf(points).getUint32(4 * at)) : SRGB_NUMBERS;
  const isSrgb =
    isNear(exponent * 100_000, SRGB_EXPONENT * 100_000) &&
    numbers.every((value, at) => isNear(value, SRGB_NUMBERS[at] ?? 0));
  if (isGrey && !isNear(exponent * 100_000, SRGB_EXPONENT * 100_000) && exponent > 0 && exponent <= 10) {
    return { profile: gammaProfile(exponent, undefined), isHdr: false };
  }
  const primaries = primariesOf(numbers.map((value) => value / 100_000));
  if (isSrgb || exponent <= 0 || exponent > 10 || !primaries) return none;
  return { profile: gammaProfile(exponent, primaries), isHdr: false };
}

function primariesOf(numbers: readonly number[]): Primaries | undefined {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = numbers;
  // Points outside the diagram, or all on one line, are no colours.
  const area = c * (f - h) + e * (h - d) + g * (d - f);
  if ([b, d, f, h].some((y) => y <= 0) || numbers.some((value) => value > 1) || Math.abs(area) < 0.01) return undefined;
  return { white: [a, b], red: [c, d], green: [e, f], blue: [g, h] };
}

/** The same image with this profile, and nothing else that states colours. */
export function withColours(bytes: Bytes, profile: Uint8Array): Bytes {
  const others = ['iCCP', 'sRGB', 'gAMA', 'cHRM', 'cICP'];
  const parts: Uint8Array[] = [bytes.subarray(0, SIGNATURE_LENGTH)];
  for (const { type, whole } of namedChunks(bytes)) {
    if (!others.includes(type)) parts.push(whole);
    if (type === 'IHDR')
      parts.push(chunk('iCCP', Buffer.concat([Buffer.from('colours\0\0', 'latin1'), deflateSync(profile)])));
  }
  return joinBytes(parts);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}

// ── Loss ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const channelCounts: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);

/** The share of the image for which there are no data. */
export async function lostShareOfPng(bytes: Uint8Array): Promise<number> {
  const expected = lengthOf(passesOf(bytes));
  const packed = imageData(bytes);
  if (expected === 0 || packed.length === 0) return 1;
  const inflate = createInflate({ finishFlush: constants.Z_SYNC_FLUSH });
  inflate.end(packed);
  let length = 0;
  try {
    for await (const part of inflate) {
      length += part.length;
      // A few bytes can unpack to any number.
      if (length >= expected) return 0;
    }
  } catch {
    // The data are damaged: count what was unpacked before.
  }
  return Math.max(0, 1 - length / expected);
}

/** Rows of pixels, each with its filter. An interlaced image has up to seven passes of them, and any other one. */
interface Pass {
  readonly rows: number;
  readonly rowLength: number;
}

/** Adam7 (8.1): the first column and row of each pass, and the distances to the next. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** None if the header makes no sense. */
function passesOf(bytes: Uint8Array): readonly Pass[] {
  const [header] = namedChunks(bytes);
  if (header?.type !== 'IHDR' || header.data.length < 13) return [];
  const view = viewOf(header.data);
  const channels = channelCounts.get(view.getUint8(9));
  if (channels === undefined) return [];
  const [width, height, bits] = [view.getUint32(0), view.getUint32(4), channels * view.getUint8(8)];
  const grid = view.getUint8(12) === 1 ? ADAM7 : ([[0, 0, 1, 1]] as const);
  return grid
    .map(([left, top, across, down]) => ({
      columns: Math.ceil((width - left) / across),
      rows: Math.ceil((height - top) / down),
    }))
    .filter(({ columns, rows }) => columns > 0 && rows > 0)
    .map(({ columns, rows }) => ({ rows, rowLength: 1 + Math.ceil((columns * bits) / 8) }));
}

function lengthOf(passes: readonly Pass[]): number {
  return passes.reduce((sum, { rows, rowLength }) => sum + rows * rowLength, 0);
}

function imageData(bytes: Uint8Array): Uint8Array {
  return joinBytes([...namedChunks(bytes)].filter(({ type }) => type === 'IDAT').map(({ data }) => data));
}

// 33 megapixels of RGB. Takes a second.
const MAX_COMPLETED_BYTES = 100_000_000;
/** Filter type 2, Up: with zeros behind it, a row is a copy of the one above. */
const COPY = 2;

/**
 * A file that ends early, so that the decoder reads all there is. Of an interlaced image, libpng reads all or nothing: the last
 * pass, which has half of the pixels, gets copies of its last row for those that are missing.
 */
export function withEnd(bytes: Bytes): Bytes {
  const passes = passesOf(bytes);
  const [last, before, length] = [passes.at(-1), lengthOf(passes.slice(0, -1)), lengthOf(passes)];
  if (last === undefined || passes.length === 1 || length > MAX_COMPLETED_BYTES) return withLastChunks(bytes);
  const unpacked = unpackedStart(imageData(bytes), length);
  if (unpacked.length <= before || unpacked.length === length) return withLastChunks(bytes);
  const whole = Buffer.alloc(length);
  whole.set(unpacked);
  for (let row = before; row < length; row += last.rowLength) if (row >= unpacked.length) whole[row] = COPY;
  const others = [...namedChunks(bytes)].filter(({ type, isWhole }) => isWhole && type !== 'IDAT' && type !== 'IEND');
  return joinBytes([
    bytes.subarray(0, SIGNATURE_LENGTH),
    ...others.map((other) => other.whole),
    chunk('IDAT', deflateSync(whole, { level: 1 })),
    chunk('IEND', new Uint8Array()),
  ]);
}

/** Empty if the data are damaged, or more than there should be. */
function unpackedStart(packed: Uint8Array, maxOutputLength: number): Uint8Array {
  try {
    return inflateSync(packed, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength });
  } catch {
    return new Uint8Array();
  }
}

function withLastChunks(bytes: Bytes): Bytes {
  const parts: Uint8Array[] = [bytes.subarray(0, SIGNATURE_LENGTH)];
  for (const { type, data, whole, isWhole } of namedChunks(bytes)) {
    if (isWhole) parts.push(whole);
    else if (type === 'IDAT') parts.push(chunk(type, data));
  }
  return joinBytes([...parts, chunk('IEND', new Uint8Array())]);
}

function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}
