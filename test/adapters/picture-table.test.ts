import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { bmpHeader } from '../../adapters/sharp/bitmap-header.ts';
import { bitmapTiff } from '../../adapters/sharp/bitmap-pixels.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import type { OpenImage } from '../../core/ports.ts';
import type { Preset } from '../../core/presets.ts';
import { jpegOfPlanes } from '../hostile/containers/jpeg.ts';

const folder = new URL('../fixtures/picture-table/', import.meta.url);
const files = unzipSync(readFileSync(new URL('files.zip', folder)));
const expected: Expected = JSON.parse(readFileSync(new URL('expected.json', folder), 'utf8'));
const codec = sharpImageCodec();

interface Expected {
  readonly cases: readonly Case[];
  readonly cuts: readonly { readonly file: string; readonly lost: Readonly<Record<string, number>> }[];
  readonly exif: readonly ExifCase[];
  readonly exact: readonly { readonly file: string; readonly sha256: string }[];
  readonly references: Readonly<Record<string, { readonly columns: number; readonly cells: string }>>;
}

/** What exiftool reads. */
interface ExifCase {
  readonly file: string;
  readonly Make?: string;
  readonly Model?: string;
  readonly DateTimeOriginal?: string;
  readonly OffsetTimeOriginal?: string;
  readonly GPSLatitude?: number | '';
  readonly GPSLongitude?: number | '';
}

/** What other libraries see in a sound file: make-table.py. */
interface Case {
  readonly file: string;
  /** Upright. */
  readonly width?: number;
  readonly height?: number;
  readonly hasAlpha: boolean;
  readonly orientation?: number;
  readonly frames?: number;
  /** Of `references`: the mean colours of its squares. */
  readonly reference?: string;
  /** Looks like this file. */
  readonly like?: string;
  readonly preview?: boolean;
  readonly damaged?: boolean;
  readonly anyAlpha?: boolean;
}

// Sound files that we refuse, and why. Everything else in the table must come out right.
const refused: readonly (readonly [files: RegExp, sentence: RegExp])[] = [
  // Numbers whose range is not stated, or that are not numbers of colours.
  [/^tiff\/(grey|rgb)-(u32|i8|i16|i32|f64)\b|^tiff\/complex64/, /8 or 16 bits/],
  [/^tiff\/(grey-f16|grey-f32-none|miniswhite-f32)/, /8 or 16 bits/],
  [/^tiff\/(grey|miniswhite|rgb)-(6|10|12|14|24)-bits|^tiff\/rgb-4-bits/, /8 or 16 bits/],
  [/^tiff\/(ycbcr-(none|deflate|tiles)|cielab|icclab|logluv|five-inks|two-inks)/, /save it as RGB/],
  [/^tiff\/(.*planar-tiles|grey.*planar)/, /save it as RGB/],
  [/^tiff\/.*alpha-spot-spot-/, /at most two extra channels/],
  [/^tiff\/(zstd|lzma|lerc|jpeg2000|jpegxl|jpegxr|png)-/, /LZW or Deflate/],
  [/^raw\/(.*thumbnail|.*small-preview|linear|cfa-first|cr2)|^tiff\/cfa/, /camera raw.*export it as JPEG/],
  [/^jpeg\/(12-bits|lossless-16|jpeg-ls)/, /JPEG with 8 bits/],
  [/^png\/cgbi/, /save it as PNG again/],
  [/^bmp\/suite-(pal1huffmsb|rgb24rle24|rgba64)/, /BMP with 24 bits/],
];

// Differences below this are hard to see (CIE76), and lossy formats alone cause as much as half of it.
const MAX_DELTA_E = 3;
const MAX_ALPHA = 4;
const preset: Preset = { name: 'whole', format: 'webp', width: 96, quality: 100, effort: 0 };

describe('sound files of every kind come out right, or are refused with what to do', () => {
  const sound = expected.cases.filter((each) => refusal(each) === undefined);
  it.each(sound)('$file', async (each) => {
    const image = await opened(each.file);
    const [portrait, rendered] = [
      await image.portray(),
      await image.render([{ ...preset, width: each.width ?? preset.width }]),
    ];
    expect(portrait).toMatchObject({ outcome: 'portrayed', damaged: each.damaged ?? false });
    expect(rendered).toMatchObject({ outcome: 'rendered' });
    const { orientation = 1, frames = 1, hasAlpha, anyAlpha } = each;
    expect(image.header).toMatchObject({ orientation, frames, ...(anyAlpha ? {} : { hasAlpha }) });
    expect(image.header.preview ?? false).toBe(each.preview ?? false);
    // PQ is for brighter screens: we say so.
    expect(image.header.approximateColours ?? false).toBe(/-pq\./.test(each.file));
    if (rendered.outcome !== 'rendered') return;
    const [{ bytes, width, height } = { bytes: new Uint8Array(), width: 0, height: 0 }] = rendered.renditions;
    expect({ width, height }).toEqual({ width: each.width, height: each.height });
    if (each.like !== undefined) expect(bytes).toEqual(await renditionOf(each.like));
    if (each.reference === undefined) return;
    const difference = differenceOf(await cellsOf(bytes), referenceOf(each.reference));
    expect(difference.colour, 'mean ΔE').toBeLessThan(MAX_DELTA_E);
    expect(difference.alpha, 'mean difference of alpha').toBeLessThan(MAX_ALPHA);
  });

  const others = expected.cases.flatMap((each) => {
    const sentence = refusal(each);
    return sentence ? [{ ...each, sentence }] : [];
  });
  it.each(others)('$file is not supported', async ({ file, sentence }) => {
    expect(await rejectionOf(bytesOf(file))).toMatchObject({
      reason: 'unsupported-format',
      message: expect.stringMatching(sentence),
    });
  });
});

// Red, green, blue and alpha of every pixel, as the author of the BMP Suite or Pillow sees them.
it.each(expected.exact)('each pixel is right: $file', async ({ file, sha256 }) => {
  const header = bmpHeader(bytesOf(file));
  if (header.kind !== 'bitmap') throw new Error(header.kind);
  const pixels = await sharp(bitmapTiff(header)).ensureAlpha().raw().toBuffer();
  // What is not visible has no colour.
  for (let at = 0; at < pixels.length; at += 4) if (pixels[at + 3] === 0) pixels.fill(0, at, at + 4);
  expect(createHash('sha256').update(pixels).digest('hex')).toBe(sha256);
});

// libtiff gives up at the first of its tiles that is missing.
const needsAll = ['cuts/tiff-tiles-jpeg'];

it('an image that an interrupted copy left without its second half is refused, although no decoder complains', async () => {
  const whole = bytesOf('cuts/jpeg-baseline');
  const half = new Uint8Array(whole.length);
  half.set(whole.subarray(0, whole.length / 2));
  expect(await rejectionOf(half)).toMatchObject({
    reason: 'corrupt',
    message: expect.stringMatching(/truncated: about \d\d%/),
  });
});

it.each(['cuts/jpeg-progressive', 'jpeg/arithmetic.jpg'])(
  'a share that cannot be measured is not stated: %s',
  async (file) => {
    const whole = bytesOf(file);
    expect(await rejectionOf(whole.slice(0, whole.length * 0.6))).toMatchObject({
      reason: 'corrupt',
      message: expect.stringMatching(/truncated: too much of the image is missing\./),
    });
  },
);

it('restart intervals that are missing count as far as they are missing', async () => {
  const whole = bytesOf('cuts/jpeg-restarts');
  const markers = [...whole.keys()].filter((at) => whole[at] === 0xff && ((whole[at + 1] ?? 0) & 0xf8) === 0xd0);
  const without = (first: number, last: number) =>
    new Uint8Array(Buffer.concat([whole.subarray(0, markers[first]), whole.subarray(markers[last])]));
  expect(await verdictOf(without(3, 4))).toBe('damaged');
  expect(await verdictOf(without(3, 9))).toBe('corrupt');
});

describe('of a JPEG with a scan for each component, each scan counts', () => {
  const grey = Buffer.from(bytesOf('cuts/jpeg-grey'));
  const planes = jpegOfPlanes(grey);
  const lastScan = planes.lastIndexOf(Buffer.from([0xff, 0xda]));
  const endingAt = (share: number) => new Uint8Array(planes.subarray(0, lastScan + (planes.length - lastScan) * share));

  it('it is sound if no scan lacks anything', async () => {
    expect(await verdictOf(new Uint8Array(planes))).toBe('sound');
  });

  it('it is damaged if the last scan lacks its end', async () => {
    expect(await verdictOf(endingAt(0.97))).toBe('damaged');
  });

  it('it is corrupt if the last scan lacks its second half', async () => {
    expect(await verdictOf(endingAt(0.5))).toBe('corrupt');
  });

  it('it is corrupt if the last scan is missing', async () => {
    expect(await verdictOf(endingAt(0))).toBe('corrupt');
  });
});

describe('a file that ends early is kept if at most a tenth of the image is missing', () => {
  const cuts = expected.cuts.flatMap(({ file, lost }) =>
    Object.entries(lost).map(([percent, share]) => ({ file, percent: Number(percent), share })),
  );
  it.each(cuts)('$file cut at $percent %, which loses $share', async ({ file, percent, share }) => {
    const whole = bytesOf(file);
    const bytes = whole.slice(0, Math.floor((whole.length * percent) / 100));
    const verdict = await verdictOf(bytes);
    if (needsAll.includes(file)) expect(verdict).toBe('corrupt');
    else if (share < 0.08) expect(verdict).toBe('damaged');
    else if (share > 0.12) expect(verdict).toBe('corrupt');
    else expect(['damaged', 'corrupt']).toContain(verdict);
  });
});

describe('EXIF is read as exiftool reads it', () => {
  it.each(expected.exif)('$file', async (read) => {
    const portrait = await (await opened(read.file)).portray();
    if (portrait.outcome === 'rejected') throw new Error(portrait.message);
    const [make, model] = [read.Make || undefined, read.Model || undefined];
    expect(portrait.camera).toEqual(make === undefined && model === undefined ? undefined : { make, model });
    expect(portrait.capturedAt).toBe(momentOf(read));
    const [latitude, longitude] = [read.GPSLatitude, read.GPSLongitude];
    expect(portrait.location).toEqual(
      typeof latitude === 'number' && typeof longitude === 'number'
        ? { latitude: expect.closeTo(latitude, 5), longitude: expect.closeTo(longitude, 5) }
        : undefined,
    );
  });
});

/** exiftool shows dates and offsets as they are, even those that do not exist. */
function momentOf({ file, DateTimeOriginal = '', OffsetTimeOriginal = '' }: ExifCase): string | undefined {
  const [year, month, day, hour, minute, second] = DateTimeOriginal.match(/\d+/g) ?? [];
  const offset = /impossible|too-late|blank/.test(file) ? '' : OffsetTimeOriginal;
  if (year === undefined || year === '0000') return undefined;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`;
}

function refusal({ file }: Case): RegExp | undefined {
  return refused.find(([kind]) => kind.test(file))?.[1];
}

function bytesOf(file: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(files[file] ?? []);
}

async function opened(file: string): Promise<OpenImage> {
  const image = await codec.open(bytesOf(file));
  if (image.outcome === 'rejected') throw new Error(`${image.reason}: ${image.message}`);
  return image;
}

async function renditionOf(file: string): Promise<Uint8Array> {
  const rendered = await (await opened(file)).render([preset]);
  return (rendered.outcome === 'rendered' && rendered.renditions[0]?.bytes) || new Uint8Array();
}

async function rejectionOf(bytes: Uint8Array<ArrayBuffer>) {
  const image = await codec.open(bytes);
  if (image.outcome === 'rejected') return image;
  const [portrait, rendered] = [await image.portray(), await image.render([preset])];
  expect(rendered.outcome === 'rejected', 'both workers agree').toBe(portrait.outcome === 'rejected');
  return portrait;
}

async function verdictOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const result = await rejectionOf(bytes);
  if (result.outcome === 'rejected') return result.reason;
  return result.damaged ? 'damaged' : 'sound';
}

// ── Comparing ───────────────────────────────────────────────────────────────────────────────────────────────────────

interface Cell {
  readonly lab: readonly [number, number, number];
  readonly alpha: number;
}

const CELL = 4;

async function cellsOf(bytes: Uint8Array): Promise<readonly Cell[]> {
  const { data, info } = await sharp(bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const [columns, rows] = [Math.floor(info.width / CELL), Math.floor(info.height / CELL)];
  return Array.from({ length: columns * rows }, (_, index) => {
    const [left, top] = [(index % columns) * CELL, Math.floor(index / columns) * CELL];
    const sums = [0, 0, 0, 0];
    for (let at = 0; at < CELL * CELL; at += 1) {
      const pixel = ((top + Math.floor(at / CELL)) * info.width + left + (at % CELL)) * 4;
      for (let channel = 0; channel < 4; channel += 1)
        sums[channel] = (sums[channel] ?? 0) + (data[pixel + channel] ?? 0);
    }
    return cell(sums.map((sum) => sum / (CELL * CELL)));
  });
}

function referenceOf(name: string): readonly Cell[] {
  const data = Buffer.from(expected.references[name]?.cells ?? '', 'base64');
  return Array.from({ length: data.length / 4 }, (_, index) => cell([...data.subarray(index * 4, index * 4 + 4)]));
}

function cell([red = 0, green = 0, blue = 0, alpha = 0]: readonly number[]): Cell {
  return { lab: labOf(red, green, blue), alpha };
}

// The colour of what is nearly transparent is not seen.
const VISIBLE = 64;

function differenceOf(actual: readonly Cell[], wanted: readonly Cell[]) {
  expect(actual.length).toBe(wanted.length);
  const pairs = wanted.map((want, at) => [want, actual[at] ?? cell([])] as const);
  const colours = pairs
    .filter(([want]) => want.alpha > VISIBLE)
    .map(([want, found]) => Math.hypot(...want.lab.map((value, at) => value - (found.lab[at] ?? 0))));
  return { colour: mean(colours), alpha: mean(pairs.map(([want, found]) => Math.abs(want.alpha - found.alpha))) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** CIELAB of sRGB (IEC 61966-2-1), white D65. */
function labOf(...srgb: readonly [number, number, number]): readonly [number, number, number] {
  const [red = 0, green = 0, blue = 0] = srgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const [x, y, z] = [
    (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
    0.2126 * red + 0.7152 * green + 0.0722 * blue,
    (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
  ].map((value) => (value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116)) as [number, number, number];
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
