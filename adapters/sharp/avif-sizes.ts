import type { Size } from '../../core/rendition.ts';

/**
 * The size of the largest image item in an AVIF. Besides the displayed image, a file may contain alpha and tiles of any
 * size, all of which libheif decodes whole. It refuses items whose coded size differs from the declared one (ISO 23008-12,
 * `ispe`), so the declared one can be trusted.
 */
export function largestDecodedSize(bytes: Uint8Array): Size {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let largest = { width: 0, height: 0 };
  for (const { start, end } of boxesExceptData(view)) {
    for (let at = start; at + 16 <= end; at += 1) {
      if (view.getUint32(at) !== ISPE) continue;
      const [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
      if (width * height > largest.width * largest.height) largest = { width, height };
    }
  }
  return largest;
}

const ISPE = 0x69737065;
const MDAT = 0x6d646174;

/** The top-level boxes (ISO 14496-12), except those with coded image data, which may contain any bytes. */
function* boxesExceptData(view: DataView): Generator<{ readonly start: number; readonly end: number }> {
  for (let at = 0; at + 8 <= view.byteLength; ) {
    const short = view.getUint32(at);
    const type = view.getUint32(at + 4);
    const long = short === 1 && at + 16 <= view.byteLength ? Number(view.getBigUint64(at + 8)) : short;
    const length = short === 0 ? view.byteLength - at : Math.max(long, 8);
    const end = Math.min(at + length, view.byteLength);
    if (type !== MDAT) yield { start: at, end };
    at = end;
  }
}
