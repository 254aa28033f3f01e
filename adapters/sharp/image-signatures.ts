import type { InputFormat } from '../../core/metadata.ts';

/** A file's format by its first bytes, regardless of its name. */
export type Signature =
  | { readonly kind: 'image'; readonly format: InputFormat }
  | { readonly kind: 'other'; readonly name: OtherFormat }
  | { readonly kind: 'unknown' };

/** Unsupported formats that people do upload, by their common names. */
export type OtherFormat =
  | 'HEIC sequence'
  | 'SVG'
  | 'PDF'
  | 'JPEG XL'
  | 'JPEG 2000'
  | 'PSD'
  | 'camera raw'
  | 'video'
  | 'ZIP'
  | 'HTML'
  | 'XML';

const image = (format: InputFormat): Signature => ({ kind: 'image', format });
const other = (name: OtherFormat): Signature => ({ kind: 'other', name });

// As Latin-1 text. Most raw formats are TIFFs: tiff-picture.ts tells them apart.
const signatures: readonly (readonly [prefix: string, signature: Signature])[] = [
  ['\xff\xd8\xff', image('jpeg')],
  ['\x89PNG\r\n\x1a\n', image('png')],
  ['GIF87a', image('gif')],
  ['GIF89a', image('gif')],
  ['II*\0', image('tiff')],
  ['MM\0*', image('tiff')],
  ['II+\0', image('tiff')],
  ['MM\0+', image('tiff')],
  ['IIRO', other('camera raw')],
  ['IIRS', other('camera raw')],
  ['MMOR', other('camera raw')],
  ['IIU\0', other('camera raw')],
  ['FUJIFILMCCD-RAW', other('camera raw')],
  ['BM', image('bmp')],
  ['%PDF-', other('PDF')],
  ['\xff\x0a', other('JPEG XL')],
  ['\0\0\0\x0cJXL ', other('JPEG XL')],
  ['\0\0\0\x0cjP  ', other('JPEG 2000')],
  ['\xff\x4f\xff\x51', other('JPEG 2000')],
  ['8BPS', other('PSD')],
  ['\0\0\x01\0', image('ico')],
  ['PK\x03\x04', other('ZIP')],
];

export function signatureOf(bytes: Uint8Array): Signature {
  const head = latin1(bytes.subarray(0, 1024));
  if (head.startsWith('RIFF') && head.startsWith('WEBP', 8)) return image('webp');
  if (head.startsWith('ftyp', 4)) return boxFile(bytes, head);
  return signatures.find(([prefix]) => head.startsWith(prefix))?.[1] ?? markup(head);
}

/** ISO base media (AVIF, HEIC, MP4): distinguished by the brands in the first box. */
function boxFile(bytes: Uint8Array, head: string): Signature {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const brands: readonly string[] = head.slice(8, Math.max(12, length)).match(/.{4}/gs) ?? [];
  if (brands.some((brand) => brand === 'avif' || brand === 'avis')) return image('avif');
  // Stills in the tracks of a video. A still may also name a sequence among the brands that it is compatible with.
  if (/^(hev[cxms]|msf1)$/.test(brands[0] ?? '')) return other('HEIC sequence');
  if (brands.some((brand) => /^(he[iv][cxms]|mif1|msf1)$/.test(brand))) return image('heic');
  return other(brands.includes('crx ') ? 'camera raw' : 'video');
}

function markup(head: string): Signature {
  // The byte-order mark of UTF-8, read as Latin-1.
  const text = head
    .replace(/^\xef\xbb\xbf/, '')
    .replaceAll(/<!--.*?-->/gs, '')
    .trimStart()
    .toLowerCase();
  if (!text.startsWith('<')) return { kind: 'unknown' };
  const root = /<(?:[a-z][\w.-]*:)?([a-z][\w.-]*)/.exec(text)?.[1];
  if (root === 'svg') return other('SVG');
  if (root === 'html' || text.startsWith('<!doctype html')) return other('HTML');
  return text.startsWith('<?xml') ? other('XML') : { kind: 'unknown' };
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
