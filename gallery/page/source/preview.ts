/** Placeholders: of a file that the browser can decode, and of an image's ThumbHash. */
import { rgbaToThumbHash, thumbHashToDataURL } from 'thumbhash';
import type { Preview } from './gallery-state.ts';

/** Pixels; ThumbHash takes no more than 100. */
const EDGE = 96;

/** Undefined for what the browser cannot decode, such as HEIC in most. The pipeline may still be able to. */
export async function previewOf(file: File): Promise<Preview | undefined> {
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (bitmap === undefined) return undefined;
  const scale = Math.min(1, EDGE / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  context?.drawImage(bitmap, 0, 0, width, height);
  const pixels = context?.getImageData(0, 0, width, height).data;
  const ratio = bitmap.width / bitmap.height;
  bitmap.close();
  return pixels && { source: thumbHashToDataURL(rgbaToThumbHash(width, height, pixels)), ratio };
}

const decoded = new Map<string, string>();

/** As a data URL; undefined if it is not a ThumbHash. */
export function placeholderOf(thumbhash: string): string | undefined {
  const known = decoded.get(thumbhash);
  if (known !== undefined) return known;
  try {
    const url = thumbHashToDataURL(Uint8Array.from(atob(thumbhash), (one) => one.charCodeAt(0)));
    decoded.set(thumbhash, url);
    return url;
  } catch {
    return undefined;
  }
}
