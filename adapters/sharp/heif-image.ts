import type { Bytes } from '../../core/ports.ts';
import { type Box, boxesIn, boxType } from './iso-boxes.ts';
import { type CodedColours, codedColours } from './made-profile.ts';

/** What an AVIF or HEIC (ISO 23008-12) says about itself that libvips does not read. */
export interface HeifImage {
  /** Of an animation; otherwise 1. */
  readonly frames: number;
  /** The colours are already multiplied by the transparency. */
  readonly isPremultiplied: boolean;
  readonly colours: CodedColours;
}

export function heifImage(bytes: Uint8Array): HeifImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const inMeta = (...path: readonly string[]) => boxesAt(view, ['meta', ...path]);
  return {
    frames: framesOf(view),
    isPremultiplied: isAny(inMeta('iref', 'prem')),
    colours: coloursOf(view, inMeta('iprp', 'ipco', 'colr')),
  };
}

// Boxes whose content follows a version and flags.
const FULL_BOXES: readonly string[] = ['meta', 'iref'];

function* boxesAt(view: DataView, path: readonly string[], from = 0, to = view.byteLength): Generator<Box> {
  const [name, ...rest] = path;
  if (name === undefined) return;
  const type = boxType(name);
  for (const box of boxesIn(view, from, to)) {
    if (box.type !== type) continue;
    if (rest.length === 0) yield box;
    else yield* boxesAt(view, rest, box.body + (FULL_BOXES.includes(name) ? 4 : 0), box.end);
  }
}

/** Samples of the first track. */
function framesOf(view: DataView): number {
  const [sizes] = boxesAt(view, ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsz']);
  return sizes && sizes.body + 12 <= sizes.end ? Math.max(1, view.getUint32(sizes.body + 8)) : 1;
}

const NCLX = boxType('nclx');

/** A profile that is part of the file counts more, and libvips reads it. */
function coloursOf(view: DataView, boxes: Iterable<Box>): CodedColours {
  let coded: Box | undefined;
  for (const box of boxes) {
    if (box.body + 8 > box.end) continue;
    if (view.getUint32(box.body) !== NCLX) return { profile: undefined, isHdr: false };
    coded ??= box;
  }
  if (coded === undefined) return { profile: undefined, isHdr: false };
  return codedColours(view.getUint16(coded.body + 4), view.getUint16(coded.body + 6), false);
}

/**
 * libvips opens no file whose main brand is that of an animation, although it can read the still image that comes with
 * most of them: that is in `meta`.
 */
export function asStill(bytes: Bytes): Bytes {
  if (Buffer.from(bytes.subarray(8, 12)).toString('latin1') === 'avif') return bytes;
  const still = bytes.slice();
  still.set(Buffer.from('avif'), 8);
  return still;
}

/** False for an animation without a still image. Any other file is left to the decoder. */
export function hasStill(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return !isAny(boxesAt(view, ['moov'])) || isAny(boxesAt(view, ['meta', 'iloc']));
}

/** Collects none: a file may have millions. */
function isAny(boxes: Iterator<Box>): boolean {
  return boxes.next().done !== true;
}
