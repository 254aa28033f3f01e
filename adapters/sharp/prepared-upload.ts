import type { Metadata as SharpMetadata, SharpOptions } from 'sharp';
import type { ImageHeader, InputFormat } from '../../core/metadata.ts';
import type { Bytes } from '../../core/ports.ts';
import { type BitmapHeader, bmpHeader } from './bitmap-header.ts';
import { bitmapTiff, isCutOff, lostShareOfBitmap, transparencyOf } from './bitmap-pixels.ts';
import { gifImage, withTransparentSurround } from './gif-image.ts';
import { asStill, hasStill, heifImage } from './heif-image.ts';
import { icoImage } from './ico-image.ts';
import { lostShareOfJpeg, withoutEmptyEnd } from './jpeg-loss.ts';
import { reachesFullDetail } from './jpeg-segments.ts';
import { lostShareOfPng, pngImage, withColours, withEnd } from './png-image.ts';
import { type Directory, hasTiles } from './tiff-directory.ts';
import { tiffPicture } from './tiff-picture.ts';
import { lostShareOfTiff, tiffVariant } from './tiff-variant.ts';

/** An upload as the decoder is to read it: of each format, what libvips does not find out or do itself. */
export interface Prepared {
  readonly outcome: 'prepared';
  readonly format: InputFormat;
  readonly bytes: Bytes;
  /** Which image of the file. */
  readonly place: Pick<SharpOptions, 'page' | 'tiff'>;
  /** Of that image, in a TIFF. */
  readonly directory: Directory | undefined;
  /** What libvips gets wrong about the header. */
  readonly header: Partial<ImageHeader>;
  /** The profile of colours that the file states in another way. */
  readonly colours: Bytes | undefined;
  /** Frames that were not in the upload. */
  readonly addedFrames: number;
  readonly isFloat: boolean;
  readonly isPremultiplied: boolean;
  readonly loss: Loss;
  /** Of formats that libvips does not read. */
  readonly replacement: Replacement | undefined;
}

/** What sharp tells of an image. */
export type Found = Pick<
  SharpMetadata,
  'width' | 'height' | 'space' | 'depth' | 'hasAlpha' | 'isProgressive' | 'orientation' | 'pages' | 'icc' | 'exif'
>;

/** Takes the place of the upload for sharp. */
export interface Replacement {
  readonly found: Found;
  /** Takes memory for all pixels. */
  bytes(): Bytes;
}

/** What is missing of a file, once its decoder complains. */
export interface Loss {
  /** Before decoding: the file ends early. */
  readonly isKnown: boolean;
  /** Of the image. */
  share(): number | Promise<number>;
  /** For reading the rest. */
  readonly failOn: SharpOptions['failOn'];
}

export interface Raw {
  readonly outcome: 'raw';
  readonly format: 'tiff';
  readonly directory: undefined;
  readonly preview: Bytes | undefined;
  readonly orientation: number;
}

/** A BMP or ICO that contains a whole JPEG or PNG. */
export interface Embedded {
  readonly outcome: 'embedded';
  readonly format: 'bmp' | 'ico';
  readonly bytes: Bytes;
}

/** The header makes no sense. */
export interface Damaged {
  readonly outcome: 'damaged';
}

/** The decoder has to find what is wrong, and goes on or does not. */
const unknownLoss: Loss = { isKnown: false, share: () => 0, failOn: 'error' };

/** With nothing to add to what libvips does. */
export function plainUpload(format: InputFormat, bytes: Bytes): Prepared {
  return {
    ...{ outcome: 'prepared', format, bytes, place: {}, directory: undefined, header: {}, colours: undefined },
    ...{ addedFrames: 0, isFloat: false, isPremultiplied: false, loss: unknownLoss, replacement: undefined },
  };
}

/** Undefined if our decoder cannot read this variant of the format. */
export function preparedUpload(format: InputFormat, bytes: Bytes): Prepared | Raw | Embedded | Damaged | undefined {
  switch (format) {
    case 'jpeg':
      return preparedJpeg(bytes);
    case 'png':
      return preparedPng(bytes);
    case 'gif':
      return preparedGif(bytes);
    case 'avif':
      return preparedAvif(bytes);
    case 'heic':
      return preparedHeic(bytes);
    case 'tiff':
      return preparedTiff(bytes);
    case 'webp':
      return plainUpload('webp', bytes);
    case 'bmp':
      return preparedBitmap('bmp', bytes, bmpHeader(bytes));
    case 'ico':
      return preparedBitmap('ico', bytes, icoImage(bytes));
  }
}

function preparedJpeg(upload: Bytes): Prepared {
  const bytes = withoutEmptyEnd(upload);
  const share = () => lostShareOfJpeg(bytes) ?? (reachesFullDetail(bytes) ? 0 : 1);
  return { ...plainUpload('jpeg', bytes), loss: { isKnown: bytes.length < upload.length, share, failOn: 'none' } };
}

function preparedPng(bytes: Bytes): Prepared | undefined {
  const { frames, isCgbi, colours, hasEnd } = pngImage(bytes);
  if (isCgbi) return undefined;
  const whole = hasEnd ? bytes : withEnd(bytes);
  return {
    ...plainUpload('png', colours.profile ? withColours(whole, colours.profile) : whole),
    header: { frames, ...(colours.isHdr && { approximateColours: true }) },
    loss: hasEnd ? unknownLoss : { isKnown: true, share: () => lostShareOfPng(bytes), failOn: 'none' },
  };
}

function preparedGif(bytes: Bytes): Prepared {
  const { hasBareSurround, hasEnd, lost } = gifImage(bytes);
  return {
    ...plainUpload('gif', hasBareSurround ? withTransparentSurround(bytes) : bytes),
    header: hasBareSurround ? { hasAlpha: true } : {},
    addedFrames: hasBareSurround ? 1 : 0,
    loss: hasEnd ? unknownLoss : { isKnown: true, share: () => lost, failOn: 'none' },
  };
}

function preparedAvif(bytes: Bytes): Prepared | undefined {
  if (!hasStill(bytes)) return undefined;
  const { frames, isPremultiplied, colours } = heifImage(bytes);
  return {
    ...plainUpload('avif', asStill(bytes)),
    header: { frames, ...(colours.isHdr && { approximateColours: true }) },
    colours: colours.profile,
    isPremultiplied,
  };
}

function preparedHeic(bytes: Bytes): Prepared {
  const { colours } = heifImage(bytes);
  return {
    ...plainUpload('heic', bytes),
    // Other images of a HEIC are not pages of it.
    header: { frames: 1, ...(colours.isHdr && { approximateColours: true }) },
    colours: colours.profile,
  };
}

function preparedTiff(bytes: Bytes): Prepared | Raw | undefined {
  const picture = tiffPicture(bytes);
  if (picture === undefined) return plainUpload('tiff', bytes);
  if (picture.kind === 'raw') {
    const { preview, orientation } = picture;
    return { outcome: 'raw', format: 'tiff', directory: undefined, preview, orientation };
  }
  const { directory, page, subifd } = picture;
  const { isUnsupported, isFloat, hasAlpha } = tiffVariant(bytes, directory);
  if (isUnsupported) return undefined;
  const lost = lostShareOfTiff(bytes, directory);
  return {
    ...plainUpload('tiff', bytes),
    place: { page, ...(subifd >= 0 && { tiff: { subifd } }) },
    directory,
    header: { hasAlpha, progressive: hasTiles(directory) },
    isFloat,
    loss: { isKnown: lost > 0, share: () => lost, failOn: lost > 0 ? 'none' : 'error' },
  };
}

function preparedBitmap(
  format: 'bmp' | 'ico',
  upload: Bytes,
  header: BitmapHeader,
): Prepared | Embedded | Damaged | undefined {
  switch (header.kind) {
    case 'unsupported':
      return undefined;
    case 'damaged':
      return { outcome: 'damaged' };
    case 'embedded':
      return { outcome: 'embedded', format, bytes: header.bytes };
    case 'bitmap': {
      const { width, height, profile } = header;
      const hasAlpha = transparencyOf(header) !== 'none';
      return {
        ...plainUpload(format, upload),
        loss: { isKnown: isCutOff(header), share: () => lostShareOfBitmap(header), failOn: 'warning' },
        replacement: {
          found: {
            width,
            height,
            hasAlpha,
            space: 'srgb',
            depth: 'uchar',
            isProgressive: false,
            ...(profile && { icc: Buffer.from(profile) }),
          },
          bytes: () => bitmapTiff(header),
        },
      };
    }
  }
}
