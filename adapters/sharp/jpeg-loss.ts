import { nextMarker, type Segment, segmentsOf, uint16 } from './jpeg-segments.ts';

/** Where the data of a JPEG (ITU-T T.81) end, and how much of the image they reach. */

const SOF0 = 0xc0;
const SOF1 = 0xc1;
const DHT = 0xc4;
const EOI = 0xd9;
const SOS = 0xda;
const DRI = 0xdd;

/** Without the zeros that an interrupted copy leaves at its end. */
export function withoutEmptyEnd(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (bytes.at(-1) !== 0 || bytes.at(-MIN_EMPTY) !== 0 || hasEndMarker(bytes)) return bytes;
  const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
  return bytes.length - end < MIN_EMPTY ? bytes : bytes.subarray(0, end);
}

// Fewer zeros may be those of the image.
const MIN_EMPTY = 64;

function hasEndMarker(bytes: Uint8Array): boolean {
  let end = 2;
  for (const segment of segmentsOf(bytes)) end = segment.end;
  return bytes[nextMarker(bytes, end) + 1] === EOI;
}

/** The share of the image for which some component has no data. Undefined unless each is coded in one pass with Huffman codes. */
export function lostShareOfJpeg(bytes: Uint8Array): number | undefined {
  const scanned = new Set<Component>();
  let lost = 0;
  for (const { frame, scan, interval, end } of scansOf(bytes)) {
    if (!frame || !scan || scan.units === 0) return undefined;
    lost = Math.max(lost, 1 - unitsWithData(bytes, end, scan, interval) / scan.units);
    for (const component of scan.components) scanned.add(component);
    if (scanned.size === frame.components.length) return lost;
  }
  // The file ends before the scan of a component.
  return scanned.size > 0 ? 1 : undefined;
}

function* scansOf(bytes: Uint8Array) {
  const tables = new Map<number, HuffmanTable>();
  let [frame, interval]: [Frame | undefined, number] = [undefined, 0];
  for (const { marker, body, end } of segmentsOf(bytes)) {
    switch (marker) {
      case SOF0:
      case SOF1:
        frame = frameOf(body);
        break;
      case DHT:
        for (const [id, table] of tablesOf(body)) tables.set(id, table);
        break;
      case DRI:
        interval = uint16(body, 0);
        break;
      case SOS:
        yield { frame, scan: frame && scanOf(body, frame, tables), interval, end };
    }
  }
}

// ── Frame and scan ──────────────────────────────────────────────────────────────────────────────────────────────────

interface Component {
  readonly id: number;
  readonly across: number;
  readonly down: number;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: readonly Component[];
}

function frameOf(body: Segment['body']): Frame {
  const components = Array.from({ length: Math.min(body[5] ?? 0, 4) }, (_, index) => {
    const sampling = body[7 + 3 * index] ?? 0x11;
    return { id: body[6 + 3 * index] ?? 0, across: sampling >> 4, down: sampling & 15 };
  });
  return { width: uint16(body, 3), height: uint16(body, 1), components };
}

interface Block {
  readonly dc: HuffmanTable;
  readonly ac: HuffmanTable;
}

interface Scan {
  readonly components: readonly Component[];
  /** Of one unit: the parts of all components for one place in the image. */
  readonly blocks: readonly Block[];
  readonly units: number;
}

function scanOf(body: Segment['body'], frame: Frame, tables: ReadonlyMap<number, HuffmanTable>): Scan | undefined {
  const count = body[0] ?? 0;
  const [widest, highest] = [highestOf(frame, 'across'), highestOf(frame, 'down')];
  const [blocks, components]: [Block[], Component[]] = [[], []];
  for (let index = 0; index < count; index += 1) {
    // libjpeg takes components that share an id in their order.
    const component = frame.components.find((each) => each.id === body[1 + 2 * index] && !components.includes(each));
    const selector = body[2 + 2 * index] ?? 0;
    const [dc, ac] = [tables.get(selector >> 4), tables.get(AC | (selector & 15))];
    if (!component || !dc || !ac) return undefined;
    components.push(component);
    // A component alone in its scan is not grouped.
    const parts = count === 1 ? 1 : component.across * component.down;
    for (let part = 0; part < parts; part += 1) blocks.push({ dc, ac });
  }
  const [first] = components;
  const [across, down] = count === 1 && first ? [first.across / widest, first.down / highest] : [1, 1];
  const side = (pixels: number, share: number, most: number) =>
    Math.ceil(count === 1 ? (pixels * share) / 8 : pixels / (8 * most));
  const units = side(frame.width, across, widest) * side(frame.height, down, highest);
  return { components, blocks, units };
}

function highestOf({ components }: Frame, side: 'across' | 'down'): number {
  return Math.max(1, ...components.map((component) => component[side]));
}

// ── Huffman codes ───────────────────────────────────────────────────────────────────────────────────────────────────

const AC = 0x10;
const MAX_CODE_LENGTH = 16;

/** By length of the code (annex F.2.2.3): its first code, how many there are, and where their symbols start. */
interface HuffmanTable {
  readonly first: readonly number[];
  readonly counts: readonly number[];
  readonly starts: readonly number[];
  readonly symbols: Uint8Array;
}

function* tablesOf(body: Segment['body']): Generator<readonly [number, HuffmanTable]> {
  for (let at = 0; at + 17 <= body.length; ) {
    const id = body[at] ?? 0;
    const counts = [0, ...body.subarray(at + 1, at + 17)];
    const [first, starts]: [number[], number[]] = [[], []];
    let [code, start] = [0, 0];
    for (const [length, count] of counts.entries()) {
      first[length] = code;
      starts[length] = start;
      code = (code + count) << 1;
      start += count;
    }
    at += 17 + start;
    yield [id, { first, counts, starts, symbols: body.subarray(at - start, at) }];
  }
}

/** Reads the bits of one interval: up to a marker, or the end of the file. */
class Bits {
  readonly bytes: Uint8Array;
  at: number;
  private readonly end: number;
  private held = 0;
  private left = 0;
  isAtEnd = false;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  private bit(): number {
    if (this.left === 0) {
      if (this.at >= this.end) {
        this.isAtEnd = true;
        return 0;
      }
      this.held = this.bytes[this.at] ?? 0;
      // A zero follows each 0xff that is no marker.
      this.at += this.held === 0xff ? 2 : 1;
      this.left = 8;
    }
    this.left -= 1;
    return (this.held >> this.left) & 1;
  }

  skip(count: number): void {
    for (let index = 0; index < count; index += 1) this.bit();
  }

  /** Zero for a code that is not in the table, as libjpeg has it. */
  symbol({ first, counts, starts, symbols }: HuffmanTable): number {
    let code = 0;
    for (let length = 1; length <= MAX_CODE_LENGTH; length += 1) {
      code = (code << 1) | this.bit();
      const index = code - (first[length] ?? 0);
      if (index >= 0 && index < (counts[length] ?? 0)) return symbols[(starts[length] ?? 0) + index] ?? 0;
    }
    return 0;
  }
}

function unitsWithData(bytes: Uint8Array, start: number, { blocks, units }: Scan, interval: number): number {
  let [found, at] = [0, start];
  while (found < units && at < bytes.length) {
    const end = intervalEnd(bytes, at);
    const most = interval === 0 ? units - found : Math.min(interval, units - found);
    found += unitsIn(new Bits(bytes, at, end), blocks, most);
    // Any number of 0xff may precede a marker.
    let marker = end + 1;
    while (bytes[marker] === 0xff) marker += 1;
    const isRestart = ((bytes[marker] ?? EOI) & 0xf8) === 0xd0;
    if (!isRestart) break;
    at = marker + 1;
  }
  return found;
}

function intervalEnd(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at !== -1; at = bytes.indexOf(0xff, at + 2)) {
    if (bytes[at + 1] !== 0) return at;
  }
  return bytes.length;
}

function unitsIn(bits: Bits, blocks: readonly Block[], most: number): number {
  for (let unit = 0; unit < most; unit += 1) {
    for (const block of blocks) skipBlock(bits, block);
    if (bits.isAtEnd) return unit;
  }
  return most;
}

function skipBlock(bits: Bits, { dc, ac }: Block): void {
  bits.skip(bits.symbol(dc) & 15);
  for (let coefficient = 1; coefficient < 64 && !bits.isAtEnd; coefficient += 1) {
    const symbol = bits.symbol(ac);
    const [zeros, length] = [symbol >> 4, symbol & 15];
    if (length === 0 && zeros < 15) return;
    coefficient += zeros;
    bits.skip(length);
  }
}
