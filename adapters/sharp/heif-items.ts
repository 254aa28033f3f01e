import type { Size } from '../../core/rendition.ts';
import { type Box, BoxReader, boxesIn, boxType } from './iso-boxes.ts';

/** Reads the items of an AVIF or HEIC (ISO 14496-12, 8.11; ISO 23008-12): what they are made of, never their pixels. */

export interface HeifItem {
  type: number;
  /** `ispe`, or the canvas of a grid or an overlay if that is larger; zero if there is neither. */
  pixels: number;
  /** `irot`, `imir` and `clap`, as often as they are applied. */
  transforms: number;
  /** Clipped to the file. */
  extents: Extent[];
  /** The images it is derived from, and its alpha. */
  sources: number[];
}

export interface Extent {
  readonly start: number;
  readonly length: number;
}

export type HeifItems = ReadonlyMap<number, HeifItem>;

export interface HeifContent {
  readonly items: HeifItems;
  /**
   * Whether a box or an item is there twice of which there may be one, or has numbers of a length that does not exist. Then
   * this reader and a decoder may take different ones.
   */
  readonly isAmbiguous: boolean;
  /** The rest of the file was not read. */
  readonly hasTooManyParts: boolean;
}

// Each takes memory, from six bytes of the file. A phone's 48 megapixels in tiles have about 1,500.
export const MAX_PARTS = 100_000;

const META = boxType('meta');
const IDAT = boxType('idat');
const IINF = boxType('iinf');
const ILOC = boxType('iloc');
const IREF = boxType('iref');
const IPRP = boxType('iprp');
const PITM = boxType('pitm');
const IPCO = boxType('ipco');
const IPMA = boxType('ipma');
const INFE = boxType('infe');
const DERIVED_FROM = boxType('dimg');
const AUXILIARY_FOR = boxType('auxl');
const ISPE = boxType('ispe');
const GRID = boxType('grid');
const OVERLAY = boxType('iovl');
/** Boxes of which a file has one (ISO 14496-12, 8.11). */
const SINGLE: readonly number[] = [PITM, IINF, ILOC, IREF, IPRP, IPCO, IDAT];
const NUMBER_LENGTHS: readonly number[] = [0, 4, 8];
const TRANSFORMS: readonly number[] = ['irot', 'imir', 'clap'].map(boxType);

export function heifContent(bytes: Uint8Array): HeifContent {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const items = new Items();
  for (const meta of boxesOfType(view, META, 0, view.byteLength)) {
    items.meet('meta', META);
    const inside = meta.body + 4;
    const [data] = boxesOfType(view, IDAT, inside, meta.end);
    for (const box of boxesIn(view, inside, meta.end)) {
      if (SINGLE.includes(box.type)) items.meet('box', box.type);
      readers.get(box.type)?.(view, box, items, data?.body ?? 0);
    }
  }
  for (const item of items.byId.values()) {
    const { width, height } = canvasOf(item, bytes);
    item.pixels = Math.max(item.pixels, width * height);
  }
  return { items: items.byId, isAmbiguous: items.isAmbiguous, hasTooManyParts: items.areTooMany };
}

/** What libheif allocates for a grid or an overlay (ISO 23008-12, 6.6.2), whatever its `ispe` says; zero for others. */
export function canvasOf({ type, extents }: HeifItem, bytes: Uint8Array): Size {
  if (type !== GRID && type !== OVERLAY) return { width: 0, height: 0 };
  const head = Buffer.alloc(LONGEST_HEAD);
  let length = 0;
  for (const extent of extents) {
    if (length === head.length) break;
    const part = bytes.subarray(extent.start, extent.start + Math.min(extent.length, head.length - length));
    head.set(part, length);
    length += part.length;
  }
  // Version and flags, then rows and columns, or the fill colour.
  const at = type === GRID ? 4 : 10;
  return (head.readUInt8(1) & 1) === 0
    ? { width: head.readUInt16BE(at), height: head.readUInt16BE(at + 2) }
    : { width: head.readUInt32BE(at), height: head.readUInt32BE(at + 4) };
}

const LONGEST_HEAD = 18;

type ReadBox = (view: DataView, box: Box, items: Items, dataAt: number) => void;

const readers: ReadonlyMap<number, ReadBox> = new Map([
  [IINF, readTypes],
  [ILOC, readExtents],
  [IREF, readReferences],
  [IPRP, readProperties],
]);

class Items {
  readonly byId = new Map<number, HeifItem>();
  isAmbiguous = false;
  readonly #met = new Set<string>();
  #left = MAX_PARTS;

  /** Notes what may be there once. */
  meet(kind: 'meta' | 'box' | 'type' | 'place', number: number): void {
    const name = `${kind} ${number}`;
    if (this.#met.has(name)) this.isAmbiguous = true;
    this.#met.add(name);
  }

  /** Counts an item, a property or whatever else refers to one. False if there are too many. */
  take(): boolean {
    this.#left -= 1;
    return !this.areTooMany;
  }

  get areTooMany(): boolean {
    return this.#left < 0;
  }

  of(id: number): HeifItem {
    const known = this.byId.get(id);
    if (known) return known;
    const created = { type: 0, pixels: 0, transforms: 0, extents: [], sources: [] };
    this.byId.set(id, created);
    return created;
  }
}

function* boxesOfType(view: DataView, type: number, from: number, to: number): Generator<Box> {
  for (const box of boxesIn(view, from, to)) if (box.type === type) yield box;
}

/** Version and flags precede the body of most boxes. */
function open(view: DataView, { body, end }: Box) {
  const reader = new BoxReader(view, body, end);
  const version = reader.number(1);
  reader.at += 2;
  return { reader, version, flags: reader.number(1) };
}

function readTypes(view: DataView, box: Box, items: Items): void {
  const { version } = open(view, box);
  for (const entry of boxesOfType(view, INFE, box.body + (version === 0 ? 6 : 8), box.end)) {
    if (!items.take()) return;
    const { reader, version: entryVersion } = open(view, entry);
    const id = reader.number(entryVersion < 3 ? 2 : 4);
    reader.at += 2;
    items.meet('type', id);
    items.of(id).type = reader.number(4);
  }
}

interface ExtentSizes {
  readonly offset: number;
  readonly length: number;
  readonly base: number;
  readonly index: number;
}

function readExtents(view: DataView, box: Box, items: Items, dataAt: number): void {
  const { reader, version } = open(view, box);
  const [first, second] = [reader.number(1), reader.number(1)];
  const sizes = {
    ...{ offset: first >> 4, length: first & 15 },
    ...{ base: second >> 4, index: version === 0 ? 0 : second & 15 },
  };
  if (!Object.values(sizes).every((size) => NUMBER_LENGTHS.includes(size))) items.isAmbiguous = true;
  const idSize = version < 2 ? 2 : 4;
  const count = reader.number(idSize);
  for (let index = 0; index < count && !reader.isAtEnd && items.take(); index += 1) {
    const id = reader.number(idSize);
    items.meet('place', id);
    const { extents } = items.of(id);
    const isInMeta = version > 0 && (reader.number(2) & 15) === 1;
    reader.at += 2;
    const base = reader.number(sizes.base) + (isInMeta ? dataAt : 0);
    for (const extent of extentsOf(reader, base, sizes)) {
      if (!items.take()) return;
      extents.push(extent);
    }
  }
}

function* extentsOf(reader: BoxReader, base: number, sizes: ExtentSizes): Generator<Extent> {
  const count = reader.number(2);
  // Extents without numbers are all the same, however many, and take no bytes.
  const isEmpty = sizes.offset + sizes.length + sizes.index === 0;
  const most = isEmpty ? Math.min(count, 2) : count;
  for (let extent = 0; extent < most && !reader.isAtEnd; extent += 1) {
    reader.at += sizes.index;
    const start = base + reader.number(sizes.offset);
    const rest = Math.max(0, reader.view.byteLength - start);
    // Zero means: up to the end.
    const length = reader.number(sizes.length) || rest;
    yield { start, length: Math.min(length, rest) };
  }
}

function readReferences(view: DataView, box: Box, items: Items): void {
  const { version } = open(view, box);
  const idSize = version === 0 ? 2 : 4;
  for (const { type, body, end } of boxesIn(view, box.body + 4, box.end)) {
    const reader = new BoxReader(view, body, end);
    const from = reader.number(idSize);
    const count = reader.number(2);
    for (let index = 0; index < count && !reader.isAtEnd && items.take(); index += 1) {
      const to = reader.number(idSize);
      if (type === DERIVED_FROM) items.of(from).sources.push(to);
      if (type === AUXILIARY_FOR) items.of(to).sources.push(from);
    }
  }
}

function readProperties(view: DataView, box: Box, items: Items): void {
  for (const { type } of boxesOfType(view, IPCO, box.body, box.end)) items.meet('box', type);
  const properties = propertiesIn(view, box, items);
  for (const associations of boxesOfType(view, IPMA, box.body, box.end)) {
    for (const { id, property: number } of associationsIn(view, associations)) {
      if (!items.take()) return;
      const [item, property] = [items.of(id), properties[number - 1]];
      if (property?.type === ISPE) item.pixels = Math.max(item.pixels, sizeOf(view, property));
      if (property && TRANSFORMS.includes(property.type)) item.transforms += 1;
    }
  }
}

function propertiesIn(view: DataView, box: Box, items: Items): readonly Box[] {
  const properties: Box[] = [];
  for (const { body, end } of boxesOfType(view, IPCO, box.body, box.end)) {
    for (const property of boxesIn(view, body, end)) {
      if (!items.take()) return properties;
      properties.push(property);
    }
  }
  return properties;
}

/** Which item has which property: properties are numbered from 1, and an item may have one repeatedly. */
function* associationsIn(view: DataView, box: Box): Generator<{ readonly id: number; readonly property: number }> {
  const { reader, version, flags } = open(view, box);
  const isWide = (flags & 1) === 1;
  const count = reader.number(4);
  for (let index = 0; index < count && !reader.isAtEnd; index += 1) {
    const id = reader.number(version < 1 ? 2 : 4);
    const associated = reader.number(1);
    for (let each = 0; each < associated && !reader.isAtEnd; each += 1) {
      yield { id, property: isWide ? reader.number(2) & 0x7fff : reader.number(1) & 0x7f };
    }
  }
}

function sizeOf(view: DataView, { body, end }: Box): number {
  const reader = new BoxReader(view, body + 4, end);
  return reader.number(4) * reader.number(4);
}
