import { inflateSync } from 'node:zlib';

/**
 * How many bytes the texts and profiles of a PNG have once unpacked (PNG 3rd edition, 11.3). libpng unpacks each when it
 * opens the file, and keeps several copies. Stops at the first byte beyond `max`.
 */
export function unpackedBytesOf(bytes: Uint8Array, max: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let unpacked = 0;
  for (let at = SIGNATURE_LENGTH; at + 8 <= bytes.length && unpacked <= max; ) {
    const length = view.getUint32(at);
    const data = bytes.subarray(at + 8, at + 8 + length);
    unpacked += unpackedLength(view.getUint32(at + 4), data, max + 1 - unpacked);
    at += 12 + length;
  }
  return unpacked;
}

const SIGNATURE_LENGTH = 8;
const TEXT = 0x74455874;
const COMPRESSED_TEXT = 0x7a545874;
const INTERNATIONAL_TEXT = 0x69545874;
const PROFILE = 0x69434350;

// Of deflate.
const HIGHEST_RATIO = 1_032;

function unpackedLength(type: number, data: Uint8Array, most: number): number {
  switch (type) {
    case TEXT:
      return data.length;
    case COMPRESSED_TEXT:
    case PROFILE:
      return inflatedLength(afterZero(data).subarray(1), most);
    case INTERNATIONAL_TEXT: {
      const text = afterZero(data);
      const isCompressed = text[0] === 1;
      return isCompressed ? inflatedLength(afterZero(afterZero(text.subarray(2))), most) : data.length;
    }
    default:
      return 0;
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
