import readExif, { type Exif } from 'exif-reader';
import type { Portrait } from '../../core/metadata.ts';

/** What of an EXIF block may reach the record: an allow-list, so that no serial number or owner's name slips through. */
export type ExifPortrait = Pick<Portrait, 'camera' | 'capturedAt' | 'location'>;

// Long enough for any camera's name, short enough for a workflow's payload.
const MAX_NAME_LENGTH = 64;

/** A broken EXIF block is common, and no reason to refuse a picture: it tells nothing then. */
export function exifPortrait(block: Buffer | undefined): ExifPortrait {
  const exif = block && parse(block);
  if (!exif) return {};
  return { camera: cameraOf(exif), capturedAt: captureTimeOf(exif), location: locationOf(exif) };
}

function parse(block: Buffer): Exif | undefined {
  try {
    return readExif(block);
  } catch {
    return undefined;
  }
}

function cameraOf({ Image }: Exif): ExifPortrait['camera'] {
  const make = nameOf(Image?.Make);
  const model = nameOf(Image?.Model);
  return make === undefined && model === undefined ? undefined : { make, model };
}

/** The reader's types promise what the standard does; a file may hold anything. */
function nameOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const name = value
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
    .slice(0, MAX_NAME_LENGTH);
  return name === '' ? undefined : name;
}

function captureTimeOf({ Photo }: Exif): string | undefined {
  const taken: unknown = Photo?.DateTimeOriginal;
  if (!(taken instanceof Date) || Number.isNaN(taken.getTime())) return undefined;
  // The reader puts the camera's local time into a Date as if it were UTC: drop the zone that nobody wrote.
  const local = taken.toISOString().slice(0, 19);
  const offset: unknown = Photo?.OffsetTimeOriginal;
  return typeof offset === 'string' && /^[+-]\d\d:\d\d$/.test(offset) ? `${local}${offset}` : local;
}

function locationOf({ GPSInfo }: Exif): ExifPortrait['location'] {
  const latitude = degrees(GPSInfo?.GPSLatitude, GPSInfo?.GPSLatitudeRef, { N: 1, S: -1 }, 90);
  const longitude = degrees(GPSInfo?.GPSLongitude, GPSInfo?.GPSLongitudeRef, { E: 1, W: -1 }, 180);
  return latitude === undefined || longitude === undefined ? undefined : { latitude, longitude };
}

/** Degrees, minutes and seconds to decimal degrees, to about 10 cm. */
function degrees(
  parts: unknown,
  direction: unknown,
  signs: Readonly<Record<string, 1 | -1>>,
  most: number,
): number | undefined {
  if (!Array.isArray(parts) || !parts.every((part) => typeof part === 'number')) return undefined;
  const sign = typeof direction === 'string' ? signs[direction] : undefined;
  const [whole = Number.NaN, minutes = 0, seconds = 0] = parts;
  const value = whole + minutes / 60 + seconds / 3600;
  return sign !== undefined && value >= 0 && value <= most ? (sign * Math.round(value * 1e6)) / 1e6 : undefined;
}
