import { deflateRawSync, deflateSync } from 'node:zlib';
import { repeated, u16le, u32le } from './numbers.ts';

const BYTE = 1;
const ASCII = 2;
const SHORT = 3;
const LONG = 4;
const RATIONAL = 5;
const UNDEFINED = 7;
type Tag = readonly [tag: number, type: number, values: readonly number[]];

/** Writes the data, then the directory, then the values that do not fit into it. */
function tiff(data: Buffer, tags: readonly Tag[], next = 0): Buffer {
  const even = Buffer.concat([data, Buffer.alloc(data.length % 2)]);
  const directoryAt = 8 + even.length;
  return Buffer.concat([Buffer.from('II*\0'), u32le(directoryAt), even, directory(tags, directoryAt, next)]);
}

function directory(tags: readonly Tag[], at: number, next = 0): Buffer {
  let extraAt = at + 2 + 12 * tags.length + 4;
  const extras: Buffer[] = [];
  const entries = tags.map(([tag, type, values]) => {
    const isBytes = type === BYTE || type === ASCII || type === UNDEFINED;
    const bytes = isBytes ? Buffer.from(values) : Buffer.concat(values.map((value) => numberOf(type, value)));
    // Two numbers each.
    const count = type === RATIONAL ? values.length / 2 : values.length;
    const head = [u16le(tag), u16le(type), u32le(count)];
    if (bytes.length <= 4) return Buffer.concat([...head, bytes, Buffer.alloc(4 - bytes.length)]);
    extras.push(bytes);
    extraAt += bytes.length;
    return Buffer.concat([...head, u32le(extraAt - bytes.length)]);
  });
  return Buffer.concat([u16le(tags.length), ...entries, u32le(next), ...extras]);
}

function numberOf(type: number, value: number): Buffer {
  return type === SHORT ? u16le(value) : u32le(value);
}

export interface TiffKind {
  readonly width: number;
  readonly height: number;
  readonly bits?: number;
  readonly samples?: number;
  /** 1: integers, 3: floating point. */
  readonly sampleFormat?: number;
  /** Each sample in its own plane. */
  readonly planar?: boolean;
}

function pictureTags({ width, height, bits = 8, samples = 3, sampleFormat = 1, planar = false }: TiffKind): Tag[] {
  const each = (value: number) => Array.from({ length: samples }, () => value);
  const extra: Tag[] = samples > 3 ? [[338, SHORT, Array.from({ length: samples - 3 }, () => 0)]] : [];
  return [
    [256, LONG, [width]],
    [257, LONG, [height]],
    [258, SHORT, each(bits)],
    [259, SHORT, [8]],
    [262, SHORT, [2]],
    [277, SHORT, [samples]],
    [284, SHORT, [planar ? 2 : 1]],
    ...extra,
    [339, SHORT, each(sampleFormat)],
  ];
}

const inOrder = (tags: readonly Tag[]) => [...tags].sort(([one], [other]) => one - other);
const times = (count: number, value: number) => Array.from({ length: count }, () => value);
/** One after another, behind the header. */
const places = (count: number, length: number) => Array.from({ length: count }, (_, index) => 8 + index * length);

/** All strips contain zeros. */
export function tiffOfStrips(kind: TiffKind, rows: number): Buffer {
  const { width, height, bits = 8, samples = 3, planar = false } = kind;
  const strip = deflateSync(Buffer.alloc(Math.ceil((width * bits * (planar ? 1 : samples)) / 8) * rows));
  const count = Math.ceil(height / rows) * (planar ? samples : 1);
  return tiff(
    repeated(strip, count),
    inOrder([
      ...pictureTags(kind),
      [273, LONG, places(count, strip.length)],
      [278, LONG, [rows]],
      [279, LONG, times(count, strip.length)],
    ]),
  );
}

/** With EXIF, a GPS position and IPTC, as cameras and photo editors write them. */
export function tiffWithPrivateData(text: string, iptc: Buffer): Buffer {
  const ascii = (value: string) => [...Buffer.from(`${value}\0`)];
  const strip = deflateSync(Buffer.alloc(40 * 40 * 3, 0x99));
  const exifAt = 8 + strip.length + (strip.length % 2);
  const exif = directory([[37_510, BYTE, [...Buffer.from(`ASCII\0\0\0${text}`)]]], exifAt);
  const gpsAt = exifAt + exif.length + (exif.length % 2);
  const gps = directory(
    [
      [1, ASCII, ascii('N')],
      [2, RATIONAL, [47, 1, 36, 1, 0, 1]],
      [3, ASCII, ascii('W')],
      [4, RATIONAL, [122, 1, 18, 1, 0, 1]],
    ],
    gpsAt,
  );
  return tiff(
    Buffer.concat([strip, Buffer.alloc(strip.length % 2), exif, Buffer.alloc(exif.length % 2), gps]),
    inOrder([
      ...pictureTags({ width: 40, height: 40 }),
      [273, LONG, [8]],
      [278, LONG, [40]],
      [279, LONG, [strip.length]],
      [33_432, ASCII, ascii(text)],
      [33_723, BYTE, [...iptc]],
      [34_665, LONG, [exifAt]],
      [34_853, LONG, [gpsAt]],
    ]),
  );
}

export function tiffWithProfile(profile: Buffer): Buffer {
  const strip = deflateSync(Buffer.alloc(40 * 40 * 3, 0x99));
  return tiff(
    strip,
    inOrder([
      ...pictureTags({ width: 40, height: 40 }),
      [273, LONG, [8]],
      [278, LONG, [40]],
      [279, LONG, [strip.length]],
      [34_675, UNDEFINED, [...profile]],
    ]),
  );
}

export function tiffOfTiles(kind: TiffKind, side: number): Buffer {
  const { width, height, bits = 8, samples = 3 } = kind;
  const tile = deflateSync(Buffer.alloc((side * side * bits * samples) / 8));
  const count = Math.ceil(width / side) * Math.ceil(height / side);
  return tiff(
    repeated(tile, count),
    inOrder([
      ...pictureTags(kind),
      [322, LONG, [side]],
      [323, LONG, [side]],
      [324, LONG, places(count, tile.length)],
      [325, LONG, times(count, tile.length)],
    ]),
  );
}

/** One directory per page, each pointing to the next, all sharing one strip. */
export function tiffOfPages(count: number): Buffer {
  const strip = Buffer.alloc(16, 0x55);
  const tags = [
    [256, 4],
    [257, 4],
    [258, 8],
    [259, 1],
    [262, 1],
    [273, 8],
    [277, 1],
    [278, 4],
    [279, 16],
  ] as const;
  const entries = tags.map(([tag, value]) => Buffer.concat([u16le(tag), u16le(LONG), u32le(1), u32le(value)]));
  const directory = Buffer.concat([u16le(tags.length), ...entries]);
  const length = directory.length + 4;
  const all = repeated(Buffer.concat([directory, u32le(0)]), count);
  for (let page = 0; page + 1 < count; page += 1) all.writeUInt32LE(24 + (page + 1) * length, (page + 1) * length - 4);
  return Buffer.concat([Buffer.from('II*\0'), u32le(24), strip, all]);
}

/** One page whose strips all consist of the same bytes: empty blocks of deflate, and a row of one pixel at their end. */
export function tiffOfSharedStrips(count: number, emptyBlocks: number): Buffer {
  const strip = Buffer.concat([
    Buffer.from('7801', 'hex'),
    repeated(Buffer.from('000000ffff', 'hex'), emptyBlocks),
    deflateRawSync(Buffer.alloc(3)),
    Buffer.from('00030001', 'hex'),
  ]);
  return tiff(
    strip,
    inOrder([
      ...pictureTags({ width: 1, height: count }),
      [273, LONG, times(count, 8)],
      [278, LONG, [1]],
      [279, LONG, times(count, strip.length)],
    ]),
  );
}

/** Grey strips, all of which are one square JPEG. */
export function tiffOfJpegs(jpeg: Buffer, side: number, strips: number): Buffer {
  return tiff(
    jpeg,
    inOrder([
      ...pictureTags({ width: side, height: side * strips, samples: 1 }).filter(([tag]) => tag !== 259 && tag !== 262),
      [259, SHORT, [7]],
      [262, SHORT, [1]],
      [273, LONG, times(strips, 8)],
      [278, LONG, [side]],
      [279, LONG, times(strips, jpeg.length)],
    ]),
  );
}

/** Pages that all refer to the same values of a tag. */
export function tiffOfSharedValues(pages: number, values: number): Buffer {
  const strips = (tag: number): Entry => [tag, values, 8];
  return tiffOfEntries(pages, Buffer.alloc(4 * values, 8), [...onePixel, strips(273), strips(279)]);
}

/** Pages of tags that no reader knows. */
export function tiffOfUnknownTags(pages: number, tags: number): Buffer {
  const unknown = Array.from({ length: tags }, (_, index): Entry => [40_000 + index, 1, 1]);
  return tiffOfEntries(pages, Buffer.alloc(8), [...onePixel, [273, 1, 8], [279, 1, 1], ...unknown]);
}

type Entry = readonly [tag: number, count: number, value: number];
const onePixel = ([256, 257, 258, 259, 262, 277, 278] as const).map((tag): Entry => [tag, 1, tag === 258 ? 8 : 1]);

/** All values are four bytes. */
function tiffOfEntries(pages: number, data: Buffer, entries: readonly Entry[]): Buffer {
  const written = [...entries]
    .sort(([one], [other]) => one - other)
    .map(([tag, count, value]) => Buffer.concat([u16le(tag), u16le(LONG), u32le(count), u32le(value)]));
  const body = Buffer.concat([u16le(entries.length), ...written]);
  const firstAt = 8 + data.length;
  const length = body.length + 4;
  const all = Array.from({ length: pages }, (_, index) =>
    Buffer.concat([body, u32le(index + 1 < pages ? firstAt + (index + 1) * length : 0)]),
  );
  return Buffer.concat([Buffer.from('II*\0'), u32le(firstAt), data, ...all]);
}

/** Of one pixel each, most of them missing. */
export function tiffOfTinyTiles(width: number, height: number): Buffer {
  return tiff(
    Buffer.alloc(2),
    inOrder([
      ...pictureTags({ width, height, samples: 1 }).filter(([tag]) => tag !== 259 && tag !== 262),
      ...[259, 262, 322, 323, 325].map((tag): Tag => [tag, SHORT, [1]]),
      [324, LONG, [8]],
    ]),
  );
}

/** Grey or RGB with more channels than that, all of the same value. */
export function tiffOfChannels(colours: 1 | 3, extra: number, bits: 8 | 16 | 32): Buffer {
  const [width, height, samples] = [8, 6, colours + extra];
  const strip = Buffer.alloc((width * height * samples * bits) / 8, 0x40);
  return tiff(
    strip,
    inOrder([
      ...pictureTags({ width, height, bits, samples }).filter(([tag]) => ![259, 262, 338].includes(tag)),
      [259, SHORT, [1]],
      [262, SHORT, [colours === 1 ? 1 : 2]],
      [338, SHORT, Array.from({ length: extra }, (_, index) => (index === 0 ? 2 : 0))],
      [273, LONG, [8]],
      [278, LONG, [height]],
      [279, LONG, [strip.length]],
    ]),
  );
}

/** EXIF is a TIFF without an image. */
export function exifOf(entries: number, length: number): Buffer {
  const block = Buffer.alloc(length, 1);
  Buffer.concat([Buffer.from('II*\0'), u32le(8), u16le(entries)]).copy(block);
  for (let index = 0; index < entries; index += 1)
    Buffer.concat([u16le(index + 1), u16le(1), u32le(length - 8), u32le(0)]).copy(block, 10 + 12 * index);
  return block;
}
