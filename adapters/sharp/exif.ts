import type { Portrait } from '../../core/metadata.ts';
import {
  type Directory,
  directoryAt,
  firstDirectory,
  numbersOf,
  openTiff,
  type Tiff,
  textOf,
} from './tiff-directory.ts';

/** The parts of an EXIF block that may be recorded: an allow-list, so that no serial number or owner's name gets through. */
export type ExifPortrait = Pick<Portrait, 'camera' | 'capturedAt' | 'location'>;

// Long enough for any camera's name, short enough for the workflow's payload.
const MAX_NAME_LENGTH = 64;
const MAX_TEXT_LENGTH = 256;

// CIPA DC-008 (EXIF 2.32)
const MAKE = 0x010f;
const MODEL = 0x0110;
const PHOTO = 0x8769;
const DATE_TIME_ORIGINAL = 0x9003;
const OFFSET_TIME_ORIGINAL = 0x9011;
const GPS = 0x8825;
const LATITUDE_REF = 1;
const LATITUDE = 2;
const LONGITUDE_REF = 3;
const LONGITUDE = 4;

/**
 * A broken EXIF block is common and no reason to reject an image: it yields nothing. Not read by a library, because those
 * available read every entry in full: 5,400 entries that each refer to the whole block took 3 GB.
 */
export function exifPortrait(block: Uint8Array | undefined): ExifPortrait {
  const exif = block && openTiff(withoutName(block));
  if (!exif) return {};
  const image = firstDirectory(exif);
  return {
    camera: cameraOf(exif, image),
    capturedAt: captureTimeOf(exif, directoryOf(exif, image, PHOTO)),
    location: locationOf(exif, directoryOf(exif, image, GPS)),
  };
}

/** In a JPEG, the block starts with its name. */
function withoutName(block: Uint8Array): Uint8Array {
  return String.fromCharCode(...block.subarray(0, 6)) === 'Exif\0\0' ? block.subarray(6) : block;
}

function directoryOf(exif: Tiff, image: Directory, pointer: number): Directory {
  const [start] = numbersOf(exif, image.get(pointer), 1) ?? [];
  return start === undefined ? new Map() : directoryAt(exif, start);
}

function cameraOf(exif: Tiff, image: Directory): ExifPortrait['camera'] {
  const [make, model] = [MAKE, MODEL].map((tag) => nameOf(textOf(exif, image.get(tag), MAX_TEXT_LENGTH)));
  return make === undefined && model === undefined ? undefined : { make, model };
}

function nameOf(text: string | undefined): string | undefined {
  const name = text
    ?.replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
    .slice(0, MAX_NAME_LENGTH);
  return name === '' ? undefined : name;
}

/** The camera's local time, with an offset only if the camera wrote one. */
function captureTimeOf(exif: Tiff, photo: Directory): string | undefined {
  const [taken, offset] = [DATE_TIME_ORIGINAL, OFFSET_TIME_ORIGINAL].map((tag) =>
    textOf(exif, photo.get(tag), MAX_TEXT_LENGTH)?.replace(/\0+$/, ''),
  );
  const local = taken?.replace(/^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)$/, '$1-$2-$3T$4');
  if (local === undefined || !isMoment(local)) return undefined;
  return offset !== undefined && /^[+-]\d\d:\d\d$/.test(offset) ? `${local}${offset}` : local;
}

/** False for 31 February, and for the zeros of a camera whose clock was never set. */
function isMoment(local: string): boolean {
  const moment = new Date(`${local}Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(local);
}

function locationOf(exif: Tiff, gps: Directory): ExifPortrait['location'] {
  const [north, east] = [LATITUDE_REF, LONGITUDE_REF].map((tag) => textOf(exif, gps.get(tag), 2)?.replace(/\0+$/, ''));
  const latitude = degrees(numbersOf(exif, gps.get(LATITUDE), 3), north, { N: 1, S: -1 }, 90);
  const longitude = degrees(numbersOf(exif, gps.get(LONGITUDE), 3), east, { E: 1, W: -1 }, 180);
  return latitude === undefined || longitude === undefined ? undefined : { latitude, longitude };
}

/** Degrees, minutes and seconds to decimal degrees, to about 10 cm. */
function degrees(
  parts: readonly number[] | undefined,
  direction: string | undefined,
  signs: Readonly<Record<string, 1 | -1>>,
  max: number,
): number | undefined {
  const [whole = Number.NaN, minutes = Number.NaN, seconds = Number.NaN] = parts ?? [];
  const sign = direction === undefined ? undefined : signs[direction];
  const value = whole + minutes / 60 + seconds / 3600;
  return sign !== undefined && value >= 0 && value <= max ? (sign * Math.round(value * 1e6)) / 1e6 : undefined;
}
