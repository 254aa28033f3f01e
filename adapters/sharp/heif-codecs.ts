import type { InputFormat } from '../../core/metadata.ts';
import { heifContent } from './heif-items.ts';
import { boxType } from './iso-boxes.ts';

/**
 * The codec of a HEIF whose images are in none of those that we decode. A container for HEVC may contain many others, of
 * which our decoders say only that they cannot read them.
 */
export function otherCodecIn(bytes: Uint8Array): string | undefined {
  const types = typesIn(bytes);
  if (types.has(codecs.avif) || types.has(codecs.heic)) return undefined;
  return otherCodecs.find(([type]) => types.has(type))?.[1];
}

/** Brands do not tell AVIF from HEIC: a file may state only what both are, or both. */
export function formatByCodec(signature: InputFormat, bytes: Uint8Array): InputFormat {
  if (signature !== 'avif' && signature !== 'heic') return signature;
  const types = typesIn(bytes);
  const other = signature === 'avif' ? 'heic' : 'avif';
  return !types.has(codecs[signature]) && types.has(codecs[other]) ? other : signature;
}

function typesIn(bytes: Uint8Array): ReadonlySet<number> {
  return new Set([...heifContent(bytes).items.values()].map(({ type }) => type));
}

const codecs = { avif: boxType('av01'), heic: boxType('hvc1') };
const otherCodecs = [
  ['avc1', 'AVC'],
  ['vvc1', 'VVC'],
  ['evc1', 'EVC'],
  ['lhv1', 'layered HEVC'],
  ['j2k1', 'JPEG 2000'],
  ['jpeg', 'JPEG'],
  ['unci', 'no compression'],
].map(([type, name]) => [boxType(type ?? ''), name] as const);
