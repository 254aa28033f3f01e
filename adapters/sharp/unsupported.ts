import { formatNames, type InputFormat } from '../../core/metadata.ts';
import { type Rejection, rejected } from '../../core/outcome.ts';
import type { OtherFormat } from './image-signatures.ts';

const otherFormats: Readonly<Record<OtherFormat | 'HEIC', string>> = {
  HEIC: 'HEIC images, the default of iPhones, are not supported: set the camera to "Most Compatible", or share the image as JPEG.',
  'HEIC sequence': 'The file is a HEIC image sequence, not a single image.',
  SVG: 'The file is an SVG drawing, not a photo.',
  PDF: 'The file is a PDF document, not an image.',
  'JPEG XL': 'The file is a JPEG XL image.',
  'JPEG 2000': 'The file is a JPEG 2000 image.',
  PSD: 'The file is a Photoshop document.',
  'camera raw':
    'The file is a camera raw image, and we find no full-size JPEG in it: export it as JPEG, or let the camera save JPEGs as well.',
  video: 'The file is a video or audio file, not an image.',
  ZIP: 'The file is an archive or an office document, not an image.',
  HTML: 'The file is a web page, not an image.',
  XML: 'The file is an XML document, such as the edits that a phone keeps beside a photo, not an image.',
};

// Of our formats, what our decoders cannot read, and what to do about it.
const variants: Readonly<Record<InputFormat, string>> = {
  jpeg: 'It may use 12 bits, lossless coding or JPEG-LS. Please save it as a JPEG with 8 bits, or as PNG.',
  png: 'It may be made for an iPhone app (CgBI). Please open it in an image program and save it as PNG again.',
  webp: 'Please save it again as WebP, JPEG or PNG.',
  avif: 'It may be an image sequence without a still image. Please save it as a still AVIF, JPEG or PNG.',
  heic: 'Please share the image as JPEG.',
  gif: 'Please save it again as GIF or PNG.',
  bmp: 'It may be a fax or a drawing of OS/2. Please save it as a BMP with 24 bits, or as PNG.',
  ico: 'Please save it as ICO again, or as PNG.',
  tiff: 'Please save it as RGB or greyscale with 8 or 16 bits per channel and at most two extra channels, uncompressed or compressed with LZW or Deflate.',
};

/** `HEIC` if it is not supported. */
export function otherFormat(name: OtherFormat | 'HEIC', withHeic: boolean): Rejection {
  return unsupported(otherFormats[name], withHeic);
}

export function unsupportedVariant(format: InputFormat): Rejection {
  return rejected('unsupported-format', `We cannot read this kind of ${formatNames[format]} file. ${variants[format]}`);
}

export const oversizedParts = rejected(
  'unsupported-format',
  'The TIFF file has strips or tiles that are too large. Please save it with smaller ones, or as PNG.',
);

export function unsupported(sentence: string, withHeic: boolean): Rejection {
  const formats = `JPEG, PNG, WebP, AVIF, ${withHeic ? 'HEIC, ' : ''}GIF, TIFF, BMP and ICO`;
  return rejected('unsupported-format', `${sentence} Supported formats: ${formats}.`);
}
