import { inflateSync } from 'node:zlib';
import type { Work } from '../../core/limits.ts';

export type PngWork = Pick<Work, 'compressedTexts' | 'unpackedBytes'>;

/**
 * How many compressed texts and profiles a PNG has, and how many bytes all texts and profiles have once unpacked (PNG 3rd
 * edition, 11.3). libpng unpacks each when it opens the file, and keeps several copies. Stops at the first chunk or byte
 * beyond `max`.
 */
export function pngWork(bytes: Uint8Array, max: PngWork): PngWork {
  let [compressedTexts, unpackedBytes] = [0, 0];
  for (const chunk of chunksOf(bytes)) {
    const text = textOf(chunk);
    if (text?.isCompressed) compressedTexts += 1;
    if (text === undefined) continue;
    if (compressedTexts > max.compressedTexts) break;
    const { isCompressed, data } = text;
    unpackedBytes += isCompressed ? inflatedLength(data, max.unpackedBytes + 1 - unpackedBytes) : data.length;
    if (unpackedBytes > max.unpackedBytes) break;
  }
  return { compressedTexts, unpackedBytes };
}

export interface Chunk {
  /** Four letters, as a number. */
  readonly type: number;
  readonly data: Uint8Array;
  /** The chunk with its length, type and checksum, up to the end of the file. */
  readonly whole: Uint8Array;
  readonly isWhole: boolean;
}

/** Whatever the types, also behind the end of the image. */
export function* chunksOf(bytes: Uint8Array): Generator<Chunk> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = SIGNATURE_LENGTH; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at);
    const end = at + 12 + length;
    yield {
      type: view.getUint32(at + 4),
      data: bytes.subarray(at + 8, at + 8 + length),
      whole: bytes.subarray(at, end),
      isWhole: end <= bytes.length,
    };
    at = end;
  }
}

export const SIGNATURE_LENGTH = 8;
const TEXT = 0x74455874;
const COMPRESSED_TEXT = 0x7a545874;
const INTERNATIONAL_TEXT = 0x69545874;
const PROFILE = 0x69434350;

// Of deflate.
const HIGHEST_RATIO = 1_032;

interface Text {
  readonly isCompressed: boolean;
  readonly data: Uint8Array;
}

function textOf({ type, data }: Chunk): Text | undefined {
  switch (type) {
    case TEXT:
      return { isCompressed: false, data };
    case COMPRESSED_TEXT:
    case PROFILE:
      return { isCompressed: true, data: afterZero(data).subarray(1) };
    case INTERNATIONAL_TEXT: {
      const text = afterZero(data);
      return text[0] === 1
        ? { isCompressed: true, data: afterZero(afterZero(text.subarray(2))) }
        : { isCompressed: false, data };
    }
    default:
      return undefined;
  }
}

function afterZero(data: Uint8Array): Uint8Array {
  const zero = data.indexOf(0);
  return zero === -1 ? data.subarray(data.length) : data.subarray(zero + 1);
}

/** Of a damaged chunk, the most that it could have been: libpng notices the damage only when it has unpacked the rest. */
function inflatedLength(data: Uint8Array, most: number): number {
  const possible = Math.min(data.length * HIGHEST_RATIO, most);
  if (possible === 0) return 0;
  try {
    return inflateSync(data, { maxOutputLength: possible }).length;
  } catch {
    return possible;
  }
}
