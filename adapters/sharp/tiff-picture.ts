import type { Bytes } from '../../core/ports.ts';
import { jpegFrame } from './jpeg-frame.ts';
import {
  type Directory,
  directoryAt,
  firstOffset,
  integerOf,
  integersOf,
  openTiff,
  type Tiff,
  wordAt,
} from './tiff-directory.ts';
import {
  COMPRESSION,
  IMAGE_LENGTH,
  IMAGE_WIDTH,
  ORIENTATION,
  PHOTOMETRIC,
  STRIP_BYTE_COUNTS,
  STRIP_OFFSETS,
  SUB_DIRECTORIES,
  SUBFILE_TYPE,
} from './tiff-tags.ts';

/** Which of the images in a TIFF is the picture. Most camera raws are TIFFs, too, with a thumbnail in front. */
export type TiffPicture =
  | TiffImage
  /** With a JPEG of the whole picture, if the camera put one in. */
  | { readonly kind: 'raw'; readonly preview: Bytes | undefined; readonly orientation: number };

export interface TiffImage {
  readonly kind: 'image';
  readonly directory: Directory;
  /** For libtiff: the number of the directory in the chain, and then of that among its sub-directories. */
  readonly page: number;
  readonly subifd: number;
}

// Enough for any camera and viewer; the chain of a document may have thousands, of which the first is the picture.
const MAX_DIRECTORIES = 32;

const JPEG_OFFSET = 513;
const JPEG_LENGTH = 514;
const PHOTO = 0x8769;
const PHOTO_WIDTH = 0xa002;
const PHOTO_HEIGHT = 0xa003;
const DNG_VERSION = 50_706;

const REDUCED = 1;
const MASK = 4;
// The colours of a sensor, and compressions of Sony, Nikon, Samsung, Kodak and Pentax.
const RAW_PHOTOMETRICS: readonly number[] = [32_803, 34_892];
const RAW_COMPRESSIONS: readonly number[] = [32_767, 34_713, 32_769, 32_770, 32_772, 65_000, 65_535];

export function tiffPicture(bytes: Bytes): TiffPicture | undefined {
  const tiff = openTiff(bytes);
  if (!tiff) return undefined;
  const chain = [...directoriesOf(tiff)];
  const [first] = chain;
  if (first === undefined) return undefined;
  const all = chain.flatMap(({ main, subs }) => [main, ...subs]);
  if (all.some((directory) => isRaw(tiff, directory))) {
    const [size, orientation] = [sensorSize(tiff, all), integerOf(tiff, first.main, ORIENTATION) ?? 1];
    return { kind: 'raw', preview: size && fullPreview(tiff, bytes, all, size), orientation };
  }
  return wholeImage(tiff, chain) ?? { kind: 'image', directory: first.main, page: 0, subifd: -1 };
}

function wholeImage(tiff: Tiff, chain: readonly Pages[]): TiffImage | undefined {
  const isWhole = (directory: Directory) =>
    ((integerOf(tiff, directory, SUBFILE_TYPE) ?? 0) & (REDUCED | MASK)) === 0 && directory.has(IMAGE_WIDTH);
  for (const [page, { main }] of chain.entries()) {
    if (isWhole(main)) return { kind: 'image', directory: main, page, subifd: -1 };
  }
  for (const [page, { subs }] of chain.entries()) {
    const subifd = subs.findIndex(isWhole);
    const directory = subs[subifd];
    if (directory) return { kind: 'image', directory, page, subifd };
  }
  return undefined;
}

// ── Directories ─────────────────────────────────────────────────────────────────────────────────────────────────────

interface Pages {
  readonly main: Directory;
  readonly subs: readonly Directory[];
}

function* directoriesOf(tiff: Tiff): Generator<Pages> {
  const visited = new Set<number>();
  let left = MAX_DIRECTORIES;
  for (let at = firstOffset(tiff); at !== 0 && Number.isFinite(at) && !visited.has(at) && left > 0; ) {
    visited.add(at);
    const main = directoryAt(tiff, at);
    const subs = integersOf(tiff, main.get(SUB_DIRECTORIES), left - 1).map((sub) => directoryAt(tiff, sub));
    left -= 1 + subs.length;
    yield { main, subs };
    at = nextDirectory(tiff, at);
  }
}

function nextDirectory(tiff: Tiff, at: number): number {
  const { view, littleEndian, big } = tiff;
  if (at + 2 > view.byteLength) return 0;
  const next = big ? at + 8 + wordAt(tiff, at) * 20 : at + 2 + view.getUint16(at, littleEndian) * 12;
  return wordAt(tiff, next);
}

// ── Camera raws ─────────────────────────────────────────────────────────────────────────────────────────────────────

function isRaw(tiff: Tiff, directory: Directory): boolean {
  return (
    directory.has(DNG_VERSION) ||
    RAW_PHOTOMETRICS.includes(integerOf(tiff, directory, PHOTOMETRIC) ?? 0) ||
    RAW_COMPRESSIONS.includes(integerOf(tiff, directory, COMPRESSION) ?? 0) ||
    hasSignature(tiff, 8, 'CR') ||
    hasSignature(tiff, 8, 'IIII') ||
    hasSignature(tiff, 8, 'MMMM')
  );
}

/** Canon's CR2 and Phase One's IIQ have one behind the header. */
function hasSignature({ view }: Tiff, at: number, text: string): boolean {
  return [...text].every((letter, index) => {
    const place = at + index;
    return place < view.byteLength && view.getUint8(place) === letter.charCodeAt(0);
  });
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size of the sensor's image. Canon states it in EXIF only. */
function sensorSize(tiff: Tiff, all: readonly Directory[]): Size | undefined {
  const sizes = all.flatMap((directory) => {
    const photo = integerOf(tiff, directory, PHOTO);
    const exif = photo === undefined ? undefined : directoryAt(tiff, photo);
    return [
      { width: integerOf(tiff, directory, IMAGE_WIDTH) ?? 0, height: integerOf(tiff, directory, IMAGE_LENGTH) ?? 0 },
      ...(exif
        ? [{ width: integerOf(tiff, exif, PHOTO_WIDTH) ?? 0, height: integerOf(tiff, exif, PHOTO_HEIGHT) ?? 0 }]
        : []),
    ];
  });
  const isSize = ({ width, height }: Size) => width > 0 && height > 0;
  return sizes.filter(isSize).sort((a, b) => b.width * b.height - a.width * a.height)[0];
}

// Sensors have rows and columns at the edge that no picture shows.
const NEARLY_ALL = 0.9;

/** The largest JPEG in a raw, unless it is smaller than the picture. */
function fullPreview(tiff: Tiff, bytes: Bytes, all: readonly Directory[], sensor: Size): Bytes | undefined {
  const previews = all.flatMap((directory) => {
    const jpeg = embeddedJpeg(tiff, bytes, directory);
    const frame = jpeg && jpegFrame(jpeg);
    return jpeg && frame?.isPicture ? [{ jpeg, ...frame }] : [];
  });
  const [largest] = previews.sort((a, b) => b.width * b.height - a.width * a.height);
  if (largest === undefined) return undefined;
  const isFull =
    Math.max(largest.width, largest.height) >= NEARLY_ALL * Math.max(sensor.width, sensor.height) &&
    Math.min(largest.width, largest.height) >= NEARLY_ALL * Math.min(sensor.width, sensor.height);
  return isFull ? largest.jpeg : undefined;
}

function embeddedJpeg(tiff: Tiff, bytes: Bytes, directory: Directory): Bytes | undefined {
  if (directory.get(STRIP_OFFSETS)?.count !== 1 && !directory.has(JPEG_OFFSET)) return undefined;
  const [offset, length] = directory.has(JPEG_OFFSET)
    ? [integerOf(tiff, directory, JPEG_OFFSET), integerOf(tiff, directory, JPEG_LENGTH)]
    : [integerOf(tiff, directory, STRIP_OFFSETS), integerOf(tiff, directory, STRIP_BYTE_COUNTS)];
  if (offset === undefined || length === undefined || offset + length > bytes.length) return undefined;
  const jpeg = bytes.subarray(offset, offset + length);
  return jpeg[0] === 0xff && jpeg[1] === 0xd8 ? jpeg : undefined;
}
