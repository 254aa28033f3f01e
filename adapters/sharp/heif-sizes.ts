import type { Size } from '../../core/rendition.ts';
import { canvasOf, heifContent } from './heif-items.ts';
import { boxesIn, boxType } from './iso-boxes.ts';

/**
 * The size of the largest image item in an AVIF or HEIC. Besides the displayed image, a file may contain alpha and tiles of any
 * size, all of which libheif decodes whole. It refuses coded images of another size than the declared one (ISO 23008-12,
 * `ispe`), so that one can be trusted. For grids and overlays it cannot: libheif allocates their canvas first.
 */
export function largestDecodedSize(bytes: Uint8Array): Size {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let largest = { width: 0, height: 0 };
  for (const { type, start, end } of boxesIn(view, 0, view.byteLength)) {
    // Coded image data may contain any bytes.
    if (type === MDAT) continue;
    for (let at = start; at + 16 <= end; at += 1) {
      if (view.getUint32(at) !== ISPE) continue;
      const [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
      if (width * height > largest.width * largest.height) largest = { width, height };
    }
  }
  for (const item of heifContent(bytes).items.values()) {
    const canvas = canvasOf(item, bytes);
    if (canvas.width * canvas.height > largest.width * largest.height) largest = canvas;
  }
  return largest;
}

const ISPE = boxType('ispe');
const MDAT = boxType('mdat');
