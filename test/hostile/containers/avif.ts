import { repeated, u16be, u32be } from './numbers.ts';

export function box(type: string, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([u32be(body.length + 8), Buffer.from(type), body]);
}

export function fullBox(type: string, version: number, ...content: readonly Buffer[]): Buffer {
  return box(type, Buffer.from([version, 0, 0, 0]), ...content);
}

export const ispe = (width: number, height: number) => fullBox('ispe', 0, u32be(width), u32be(height));
export const alphaOf = fullBox('auxC', 0, Buffer.from('urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0'));

export interface AvifItem {
  readonly type: string;
  readonly data: Buffer;
  readonly properties: readonly Buffer[];
  /** Item numbers, from 1. */
  readonly refers?: { readonly as: string; readonly to: readonly number[] };
  /** How often the item consists of the same data. */
  readonly extents?: number;
}

interface Options {
  readonly brand?: 'avif' | 'heic';
  /** In front of the boxes that refer to it, which can then grow. */
  readonly dataFirst?: boolean;
}

/** The first item is the displayed one. */
export function avif(items: readonly AvifItem[], { brand = 'avif', dataFirst = false }: Options = {}): Buffer {
  const properties = items.flatMap((item) => item.properties);
  let property = 0;
  const associations = items.map((item, index) => {
    const named = item.properties.map((each) => {
      property += 1;
      return u16be(property | (isConfiguration(each) ? 0x8000 : 0));
    });
    return Buffer.concat([u16be(index + 1), Buffer.from([named.length]), ...named]);
  });
  const infos = items.map(({ type }, index) => typeOfItem(index + 1, type));
  const references = items.flatMap(({ refers }, index) =>
    refers === undefined ? [] : [box(refers.as, u16be(index + 1), u16be(refers.to.length), ...refers.to.map(u16be))],
  );
  const meta = (dataAt: number) => {
    let at = dataAt;
    const places = items.map(({ data, extents = 1 }, index) => {
      const extent = Buffer.concat([u32be(at), u32be(data.length)]);
      at += data.length;
      return Buffer.concat([...[index + 1, 0, extents].map(u16be), repeated(extent, extents)]);
    });
    return fullBox(
      'meta',
      0,
      fullBox('hdlr', 0, u32be(0), Buffer.from('pict'), Buffer.alloc(13)),
      fullBox('pitm', 0, u16be(1)),
      fullBox('iloc', 0, Buffer.from([0x44, 0]), u16be(items.length), ...places),
      fullBox('iinf', 0, u16be(items.length), ...infos),
      ...(references.length > 0 ? [fullBox('iref', 0, ...references)] : []),
      box(
        'iprp',
        box('ipco', ...properties),
        box('ipma', Buffer.from([0, 0, 0, 1]), u32be(items.length), ...associations),
      ),
    );
  };
  const head = box('ftyp', Buffer.from(brand), u32be(0), Buffer.from(`${brand}mif1miaf`));
  const data = box('mdat', ...items.map((item) => item.data));
  if (dataFirst) return Buffer.concat([head, data, meta(head.length + 8)]);
  return Buffer.concat([head, meta(head.length + meta(0).length + 8), data]);
}

/** Of tiles of one size: the data of an item of type `grid` (ISO 23008-12, 6.6.2.3). */
export function gridOf(columns: number, rows: number, tileSide: number): Buffer {
  return Buffer.concat([Buffer.from([0, 1, rows - 1, columns - 1]), u32be(columns * tileSide), u32be(rows * tileSide)]);
}

/** The items of a simple file, the displayed one first, with their data and properties. */
export function avifItems(file: Buffer): readonly { readonly data: Buffer; readonly properties: readonly Buffer[] }[] {
  const meta = inside(file, 'meta').subarray(4);
  const all = boxesOf(inside(inside(meta, 'iprp'), 'ipco'));
  const places = inside(meta, 'iloc');
  // As libheif writes it: version 0, four-byte numbers, one extent per item.
  if (places.readUInt8(0) !== 0 || places.readUInt16BE(4) !== 0x4440)
    throw new Error('libheif writes an iloc box in a format that this test does not support.');
  const count = places.readUInt16BE(6);
  const configurations = all.filter(isConfiguration);
  return Array.from({ length: count }, (_, index) => {
    const item = 8 + index * 18;
    const from = places.readUInt32BE(item + 4) + places.readUInt32BE(item + 10);
    const size = places.readUInt32BE(item + 14);
    const configuration = configurations[index] ?? configurations[0] ?? Buffer.alloc(0);
    return { data: file.subarray(from, from + size), properties: [configuration] };
  });
}

/** What a decoder needs besides the item's data. */
function isConfiguration(property: Buffer): boolean {
  return ['av1C', 'hvcC'].includes(property.toString('latin1', 4, 8));
}

function boxesOf(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const end = at + Math.max(8, bytes.readUInt32BE(at));
    found.push(bytes.subarray(at, end));
    at = end;
  }
  return found;
}

function inside(bytes: Buffer, type: string): Buffer {
  const found = boxesOf(bytes).find((each) => each.toString('latin1', 4, 8) === type);
  if (found === undefined) throw new Error(`There is no box ${type}.`);
  return found.subarray(8);
}

/** Adds a box at the end of `meta`, or of a box in it, and moves what the file refers to by its length. */
export function avifWith(file: Buffer, added: Buffer, inBox: 'meta' | 'iinf' = 'meta'): Buffer {
  const start = (type: string) => file.indexOf(type) - 4;
  const [at, meta, places] = [start(inBox), start('meta'), start('iloc')];
  const end = at + file.readUInt32BE(at);
  const whole = Buffer.concat([file.subarray(0, end), added, file.subarray(end)]);
  const grown = (box: number) => whole.writeUInt32BE(file.readUInt32BE(box) + added.length, box);
  for (const box of new Set([at, meta])) grown(box);
  // As `avif` writes it: one item after another, each with its first extent at eight bytes.
  const shift = whole.indexOf('iloc') - 4 - places;
  let place = places + shift + 16;
  for (let item = 0; item < whole.readUInt16BE(places + shift + 14); item += 1) {
    const extents = whole.readUInt16BE(place + 4);
    for (let extent = 0; extent < extents; extent += 1) {
      const offset = place + 6 + 8 * extent;
      whole.writeUInt32BE(whole.readUInt32BE(offset) + added.length, offset);
    }
    place += 6 + 8 * extents;
  }
  return whole;
}

/** Says what an item is, once more. */
export const typeOfItem = (item: number, type: string) =>
  fullBox('infe', 2, u16be(item), u16be(0), Buffer.from(`${type}\0`));

/** Says where an item's data is, once more. */
export const placeOfItem = (item: number, at: number, length: number) =>
  fullBox('iloc', 0, Buffer.from([0x44, 0]), u16be(1), ...[item, 0, 1].map(u16be), u32be(at), u32be(length));

/** The data of an item of type `iovl`, of images that all begin in its corner (ISO 23008-12, 6.6.2.2). */
export function overlayOf(side: number, images: number): Buffer {
  return Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(8), u32be(side), u32be(side), Buffer.alloc(8 * images)]);
}
