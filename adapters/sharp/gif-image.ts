import type { Bytes } from '../../core/ports.ts';
import { joinBytes } from './join-bytes.ts';

/** What a GIF (GIF89a) says about itself that libvips does not tell. */
export interface GifImage {
  /** The first frame is smaller than the image, and nothing says that the rest is transparent. */
  readonly hasBareSurround: boolean;
  readonly hasEnd: boolean;
  /** The share of the first frame for which there are no data. */
  readonly lost: number;
}

const HEADER_LENGTH = 13;
const TRAILER = 0x3b;
const EXTENSION = 0x21;
const GRAPHIC_CONTROL = 0xf9;
const FRAME = 0x2c;
const FRAME_HEADER_LENGTH = 10;

export function gifImage(bytes: Uint8Array): GifImage {
  let [isTransparent, first, end]: [boolean, Part | undefined, number | undefined] = [false, undefined, undefined];
  for (const part of partsOf(bytes)) {
    end = part.end;
    if (part.kind === 'frame') first ??= part;
    else if (first === undefined) isTransparent ||= part.isTransparency;
  }
  if (first?.kind !== 'frame') return { hasBareSurround: false, hasEnd: false, lost: 1 };
  const { width, height, data } = first;
  const isSmaller = width < uint16(bytes, 6) || height < uint16(bytes, 8);
  return {
    hasBareSurround: isSmaller && !isTransparent,
    // Anything but the trailer is left to the decoder.
    hasEnd: end !== undefined && end < bytes.length,
    lost: first.end === undefined ? lostShare(bytes, data, width * height) : 0,
  };
}

/** `end` is undefined if the file ends before. */
type Part = { readonly end: number | undefined } & (
  | { readonly kind: 'extension'; readonly isTransparency: boolean }
  | { readonly kind: 'frame'; readonly width: number; readonly height: number; readonly data: number }
);

function* partsOf(bytes: Uint8Array): Generator<Part> {
  let at: number | undefined = HEADER_LENGTH + colourTableLength(bytes[10] ?? 0);
  while (at !== undefined && (bytes[at] === EXTENSION || bytes[at] === FRAME)) {
    const part: Part = bytes[at] === EXTENSION ? extensionAt(bytes, at) : frameAt(bytes, at);
    yield part;
    at = part.end;
  }
}

function extensionAt(bytes: Uint8Array, at: number): Part {
  const isTransparency = bytes[at + 1] === GRAPHIC_CONTROL && (bytes[at + 3] ?? 0) % 2 === 1;
  return { kind: 'extension', isTransparency, end: endOfBlocks(bytes, at + 2) };
}

function frameAt(bytes: Uint8Array, at: number): Part {
  const data = at + FRAME_HEADER_LENGTH + colourTableLength(bytes[at + 9] ?? 0);
  const [width, height] = [uint16(bytes, at + 5), uint16(bytes, at + 7)];
  return { kind: 'frame', width, height, data, end: endOfBlocks(bytes, data + 1) };
}

function colourTableLength(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

/** Behind the empty block that ends them. Undefined if the file ends before. */
function endOfBlocks(bytes: Uint8Array, from: number): number | undefined {
  for (let at = from; at < bytes.length; at += 1 + (bytes[at] ?? 0)) if (bytes[at] === 0) return at + 1;
  return undefined;
}

/** Counts the pixels of the codes (LZW) that are there. */
function lostShare(bytes: Uint8Array, from: number, pixels: number): number {
  const smallest = bytes[from] ?? 0;
  if (pixels === 0 || smallest > 11) return 1;
  const counter = new PixelCounter(smallest);
  for (const byte of blockBytes(bytes, from + 1)) counter.read(byte);
  return Math.max(0, 1 - counter.pixels / pixels);
}

const MAX_CODE_LENGTH = 12;

class PixelCounter {
  pixels = 0;
  private readonly clear: number;
  private length: number;
  /** How many pixels each code beyond the colours stands for. */
  private runs: number[] = [];
  private previous = 0;
  private held = 0;
  private bits = 0;

  constructor(smallest: number) {
    this.clear = 1 << smallest;
    this.length = smallest + 1;
  }

  read(byte: number): void {
    this.held |= byte << this.bits;
    this.bits += 8;
    while (this.bits >= this.length) {
      const code = this.held & ((1 << this.length) - 1);
      this.held >>= this.length;
      this.bits -= this.length;
      this.take(code);
    }
  }

  private take(code: number): void {
    const reserved = this.clear + 2;
    if (code === this.clear) {
      this.runs = [];
      this.length = Math.log2(this.clear) + 1;
      this.previous = 0;
      return;
    }
    const run = code < this.clear ? 1 : (this.runs[code - reserved] ?? this.previous + 1);
    this.pixels += run;
    if (this.previous > 0 && this.runs.length + reserved < 1 << MAX_CODE_LENGTH) this.runs.push(this.previous + 1);
    if (this.runs.length + reserved >= 1 << this.length && this.length < MAX_CODE_LENGTH) this.length += 1;
    this.previous = run;
  }
}

function* blockBytes(bytes: Uint8Array, from: number): Generator<number> {
  for (let at = from; at < bytes.length && bytes[at] !== 0; at += 1 + (bytes[at] ?? 0)) {
    yield* bytes.subarray(at + 1, at + 1 + (bytes[at] ?? 0));
  }
}

/** The same image with one more frame, of one transparent pixel: libvips then keeps transparent what no frame covers. */
export function withTransparentSurround(bytes: Bytes): Bytes {
  const end = bytes.at(-1) === TRAILER ? bytes.length - 1 : bytes.length;
  const control = [EXTENSION, GRAPHIC_CONTROL, 4, 1, 0, 0, 0, 0];
  const frame = [FRAME, 0, 0, 0, 0, 1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 0];
  const pixel = [2, 2, 0x44, 0x01, 0];
  return joinBytes([bytes.subarray(0, end), Uint8Array.from([...control, ...frame, ...pixel, TRAILER])]);
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}
