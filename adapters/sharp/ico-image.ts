import type { Bytes } from '../../core/ports.ts';
import { type BitmapHeader, bitmapHeader } from './bitmap-header.ts';

/** The image of an ICO that has the most pixels, and of those of the same size the one with the most colours. */
export function icoImage(bytes: Bytes): BitmapHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = bytes.length < ENTRIES_AT ? 0 : view.getUint16(4, true);
  let largest: Candidate | undefined;
  for (let entry = 0; entry < entries; entry += 1) {
    const at = ENTRIES_AT + entry * ENTRY_LENGTH;
    if (at + ENTRY_LENGTH > bytes.length) break;
    // Programs differ in what they write about depth and length: the image itself says so.
    const height = view.getUint8(at + 1) || 256;
    const found = candidate(bytes.subarray(view.getUint32(at + 12, true)), height, view.getUint32(at + 8, true));
    if (found !== undefined && (largest === undefined || isBetter(found, largest))) largest = found;
  }
  return largest?.image ?? { kind: 'damaged' };
}

const ENTRIES_AT = 6;
const ENTRY_LENGTH = 16;

interface Candidate {
  readonly image: BitmapHeader;
  readonly pixels: number;
  readonly bits: number;
}

function isBetter(one: Candidate, other: Candidate): boolean {
  return one.pixels > other.pixels || (one.pixels === other.pixels && one.bits > other.bits);
}

function candidate(bytes: Bytes, height: number, length: number): Candidate | undefined {
  if (isPng(bytes)) return png(length > PNG_HEADER_END ? bytes.subarray(0, length) : bytes);
  const image = bitmapHeader(bytes, { at: 0, icon: { height } });
  return image.kind === 'bitmap' ? { image, pixels: image.width * image.height, bits: image.bits } : undefined;
}

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const PNG_HEADER_END = 26;

export function isPng(bytes: Uint8Array): boolean {
  return PNG_SIGNATURE.every((byte, at) => bytes[at] === byte);
}

const CHANNELS = [1, 0, 3, 1, 2, 0, 4];

/** Its size and depth are in the first chunk. */
function png(bytes: Bytes): Candidate | undefined {
  if (bytes.length < PNG_HEADER_END) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    image: { kind: 'embedded', bytes },
    pixels: view.getUint32(16) * view.getUint32(20),
    bits: view.getUint8(24) * (CHANNELS[view.getUint8(25)] ?? 0),
  };
}
