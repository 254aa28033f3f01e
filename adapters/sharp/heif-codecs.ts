import { heifItems } from './heif-items.ts';
import { boxType } from './iso-boxes.ts';

/**
 * The codec of a HEIF whose images are in none of those that we decode. A container for HEVC may contain many others, of
 * which our decoders say only that they cannot read them.
 */
export function otherCodecIn(bytes: Uint8Array): string | undefined {
  const types = new Set([...heifItems(bytes).values()].map(({ type }) => type));
  if (decoded.some((type) => types.has(type))) return undefined;
  return otherCodecs.find(([type]) => types.has(type))?.[1];
}

const decoded = ['hvc1', 'av01'].map(boxType);
const otherCodecs = [
  ['avc1', 'AVC'],
  ['vvc1', 'VVC'],
  ['evc1', 'EVC'],
  ['lhv1', 'layered HEVC'],
  ['j2k1', 'JPEG 2000'],
  ['jpeg', 'JPEG'],
  ['unci', 'no compression'],
].map(([type, name]) => [boxType(type ?? ''), name] as const);
