import type { Portrait } from '../../core/metadata.ts';
import {
  type Directory,
  directoryAt,
  firstDirectory,
  integerAt,
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
    // Camera raws have it in the first directory.
    capturedAt: captureTimeOf(exif, directoryOf(exif, image, PHOTO)) ?? captureTimeOf(exif, image),
    location: locationOf(exif, directoryOf(exif, image, GPS)),
  };
}

/** In a JPEG, the block starts with its name. */
function withoutName(block: Uint8Array): Uint8Array {
  return String.fromCharCode(...block.subarray(0, 6)) === 'Exif\0\0' ? block.subarray(6) : block;
}

function directoryOf(exif: Tiff, image: Directory, pointer: number): Directory {
  const start = integerAt(exif, image.get(pointer), 0);
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
    .slice(0, MAX_NAME_LENGTH)
    // Half of a character.
    .replace(/\p{Cs}$/u, '');
  return name === '' ? undefined : name;
}

// 2024:05:06 07:08:09, as EXIF has it, and as others write it: other separators, spaces for zeros, no seconds, an offset.
const MOMENT =
  /^\s*(\d{4})[:\-/.](\d\d| \d|\d)[:\-/.](\d\d| \d|\d)[ T]+(\d\d?)[:.](\d\d| \d|\d)(?:[:.](\d\d| \d|\d)(?:[.,]\d*)?)?\s*(\S*)\s*$/;

/** The camera's local time, with an offset only if the camera wrote one. */
function captureTimeOf(exif: Tiff, directory: Directory): string | undefined {
  const [taken, offset] = [DATE_TIME_ORIGINAL, OFFSET_TIME_ORIGINAL].map((tag) =>
    textOf(exif, directory.get(tag), MAX_TEXT_LENGTH),
  );
  const [, year, ...parts] = MOMENT.exec(taken ?? '') ?? [];
  const [month, day, hour, minute, second = '0', ownOffset = ''] = parts;
  const [mm, dd, hh, min, ss] = [month, day, hour, minute, second].map((part) => part?.trim().padStart(2, '0'));
  const local = `${year}-${mm}-${dd}T${hh}:${min}:${ss}`;
  if (!isMoment(local)) return undefined;
  return `${local}${offsetOf(offset ?? '') ?? offsetOf(ownOffset) ?? ''}`;
}

/** False for 31 February, and for the zeros of a camera whose clock was never set. */
function isMoment(local: string): boolean {
  const moment = new Date(`${local}Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(local);
}

// Of all places: Baker Island and the Line Islands.
const EARLIEST_MINUTES = -12 * 60;
const LATEST_MINUTES = 14 * 60;

function offsetOf(text: string): string | undefined {
  if (/^\s*Z\s*$/i.test(text)) return '+00:00';
  const [, sign, hours, minutes = '00'] = /^\s*([+-])(\d\d?):?(\d\d)?\s*$/.exec(text) ?? [];
  const total = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  if (sign === undefined || hours === undefined || Number(minutes) > 59) return undefined;
  return total >= EARLIEST_MINUTES && total <= LATEST_MINUTES
    ? `${sign}${hours.padStart(2, '0')}:${minutes}`
    : undefined;
}

function locationOf(exif: Tiff, gps: Directory): ExifPortrait['location'] {
  const [north, east] = [LATITUDE_REF, LONGITUDE_REF].map((tag) =>
    textOf(exif, gps.get(tag), MAX_TEXT_LENGTH)?.trim().slice(0, 1).toUpperCase(),
  );
  const latitude = degrees(numbersOf(exif, gps.get(LATITUDE), 3), north, { N: 1, S: -1 }, 90);
  const longitude = degrees(numbersOf(exif, gps.get(LONGITUDE), 3), east, { E: 1, W: -1 }, 180);
  return latitude === undefined || longitude === undefined ? undefined : { latitude, longitude };
}

/** Degrees, minutes and seconds to decimal degrees, to about 10 cm. Some cameras leave out the seconds. */
function degrees(
  [whole = Number.NaN, minutes = 0, seconds = 0]: readonly number[],
  direction: string | undefined,
  signs: Readonly<Record<string, 1 | -1>>,
  max: number,
): number | undefined {
  const sign = direction === undefined ? undefined : signs[direction];
  // Some state the direction a second time, by a minus.
  const value = Math.abs(whole + minutes / 60 + seconds / 3600);
  return sign !== undefined && value <= max ? (sign * Math.round(value * 1e6)) / 1e6 : undefined;
}
