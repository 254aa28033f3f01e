import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { filesOf, type Ingredients } from './ingredients.ts';
import { anyBytes, anyNumber, anySide, type Edit, editsOf, type Part, part } from './parts.ts';

/**
 * TIFFs of directories (TIFF 6.0, BigTIFF): pages in any order, entries of any type and count, which may share values, strips or
 * tiles with each other. The data is in front, so that directories can grow.
 */
export function tiffs({ good }: Ingredients): fc.Arbitrary<readonly [Edit, Buffer]> {
  const jpeg = filesOf(good, 'baseline.jpg');
  const shape = fc.record({
    ...{ order: anyOrder, width: anySide, height: anySide, rows: mostly(fc.integer({ min: 1, max: 64 }), anyNumber) },
    bits: sound(8, 1, 2, 4, 16, 32, 64),
    samples: sound(3, 1, 4, 2, 5, 0, 6, 65_535),
    sampleFormat: sound(1, 2, 3, 4, 5, 6),
    photometric: sound(2, 1, 0, 3, 4, 5, 6, 8, 9, 10, 32_844, 32_845),
    compression: fc.oneof(
      fc.constantFrom(8, 1, 7),
      fc.constantFrom(5, 32_773, 2, 3, 4, 6, 32_946, 34_712, 34_676, 50_000),
    ),
    ...{ planar: sound(1, 2, 0), predictor: sound(1, 2, 3), isTiled: fc.boolean() },
    ...{ isShared: fc.boolean(), pages: mostly(fc.constant(1), fc.integer({ min: 2, max: 40 })) },
    next: sound('in order', 'to itself', 'to the first', 'beyond'),
    ...{ jpeg, noise: anyBytes(300) },
  });
  const unchanged = fc.constant<Edit>({ name: 'unchanged', apply: (parts) => parts });
  return fc.tuple(shape, fc.oneof(unchanged, editsOf(anyEntry))).map(([drawn, edit]) => [edit, tiff(drawn, edit)]);
}

/** Mostly the first value, or most files would be refused at once. */
function sound<Value>(usual: Value, ...odd: readonly Value[]): fc.Arbitrary<Value> {
  return mostly(fc.constant(usual), fc.constantFrom(...odd));
}

function mostly<Value>(usual: fc.Arbitrary<Value>, odd: fc.Arbitrary<Value>): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: odd });
}

interface Order {
  readonly little: boolean;
  readonly big: boolean;
}

const anyOrder = fc.record({ little: fc.boolean(), big: fc.constantFrom(false, false, true) });

interface Shape {
  readonly order: Order;
  readonly width: number;
  readonly height: number;
  /** Per strip, or the side of a tile. */
  readonly rows: number;
  readonly bits: number;
  readonly samples: number;
  readonly sampleFormat: number;
  readonly photometric: number;
  readonly compression: number;
  readonly planar: number;
  readonly predictor: number;
  readonly isTiled: boolean;
  /** All strips are the same bytes. */
  readonly isShared: boolean;
  readonly pages: number;
  readonly next: string;
  readonly jpeg: Buffer;
  readonly noise: Buffer;
}

const SHORT = 3;
const LONG = 4;
// Few pieces and bytes, however large the image claims to be.
const [MOST_PIECES, MOST_BYTES_OF_A_PIECE] = [400, 1_000_000];

function tiff(shape: Shape, edit: Edit): Buffer {
  const { order, width, height, samples, bits, planar, pages } = shape;
  const rows = shape.isTiled ? Math.max(16, Math.ceil(Math.min(shape.rows, 512) / 16) * 16) : Math.max(1, shape.rows);
  const across = shape.isTiled ? rows : width;
  const bytesOfPiece = Math.ceil((across * Math.min(rows, height || 1) * bits * (planar === 2 ? 1 : samples)) / 8);
  const piece = pieceOf(shape, Math.min(bytesOfPiece, MOST_BYTES_OF_A_PIECE));
  const planes = planar === 2 ? samples : 1;
  const columns = shape.isTiled ? Math.ceil(width / rows) : 1;
  const count = Math.max(1, Math.min(MOST_PIECES, Math.ceil(height / rows) * columns * planes));
  const copies = shape.isShared ? 1 : Math.max(1, Math.min(count, Math.floor(40_000 / Math.max(1, piece.length))));

  const headLength = order.big ? 16 : 8;
  const places = Array.from({ length: count }, (_, index) => headLength + (index % copies) * piece.length);
  const data = Buffer.concat(Array.from({ length: copies }, () => piece));
  const values = new Values(order, headLength + data.length);
  const each = (value: number) => Array.from({ length: Math.min(samples, 8) }, () => value);
  const [offsetsTag, lengthsTag] = shape.isTiled ? [324, 325] : [273, 279];
  const entries = [
    values.entry(256, LONG, [width]),
    values.entry(257, LONG, [height]),
    values.entry(258, SHORT, each(bits)),
    values.entry(259, SHORT, [shape.compression]),
    values.entry(262, SHORT, [shape.photometric]),
    values.entry(offsetsTag, LONG, places),
    values.entry(277, SHORT, [samples]),
    ...(shape.isTiled
      ? [values.entry(322, LONG, [rows]), values.entry(323, LONG, [rows])]
      : [values.entry(278, LONG, [rows])]),
    values.entry(
      lengthsTag,
      LONG,
      places.map(() => piece.length),
    ),
    values.entry(284, SHORT, [planar]),
    values.entry(317, SHORT, [shape.predictor]),
    values.entry(339, SHORT, each(shape.sampleFormat)),
  ];
  const changed = edit.apply(inOrder(entries, order));
  const firstAt = values.end;
  const directory = (next: number) => directoryOf(changed, next, order);
  const { length } = directory(0);
  const nextOf = (page: number) => {
    if (page + 1 < pages || shape.next === 'in order') return page + 1 < pages ? firstAt + (page + 1) * length : 0;
    return { 'to itself': firstAt + page * length, 'to the first': firstAt, beyond: 2 ** 31 }[shape.next] ?? 0;
  };
  const all = Array.from({ length: pages }, (_, page) => directory(nextOf(page)));
  return Buffer.concat([head(firstAt, order), data, ...values.all, ...all]);
}

function pieceOf({ compression, jpeg, noise }: Shape, length: number): Buffer {
  switch (compression) {
    case 1:
      return Buffer.alloc(Math.min(length, 20_000), 0x55);
    case 7:
      return jpeg;
    case 8:
    case 32_946:
      return deflateSync(Buffer.alloc(length, 0x55));
    default:
      return noise;
  }
}

// ── Directories ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Writes values that do not fit into their entry, one after another, from a place in the file. */
class Values {
  readonly all: Buffer[] = [];
  readonly #order: Order;
  end: number;

  constructor(order: Order, from: number) {
    this.#order = order;
    this.end = from;
  }

  /** The body of an entry is complete: 12 bytes, or 20 in BigTIFF. */
  entry(tag: number, type: number, numbers: readonly number[]): Part {
    const order = this.#order;
    const bytes = Buffer.concat(
      numbers.map((value) => number(type === SHORT ? 2 : type === LONG ? 4 : 1, value, order)),
    );
    const space = order.big ? 8 : 4;
    let value: Buffer = Buffer.concat([bytes, Buffer.alloc(Math.max(0, space - bytes.length))]);
    if (bytes.length > space) {
      value = number(space, this.end, order);
      this.all.push(bytes);
      this.end += bytes.length;
    }
    return part(
      String(tag),
      number(2, tag, order),
      number(2, type, order),
      number(space, numbers.length, order),
      value,
    );
  }
}

/** Entries that come after an edit; in little-endian order, so that in other files they are odd. */
const anyEntry: fc.Arbitrary<Part> = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(254, 270, 274, 301, 306, 318, 320, 330, 332, 333, 338, 347, 512, 513, 514, 529, 530, 532),
      fc.constantFrom(273, 279, 324, 325, 700, 33_432, 33_723, 34_377, 34_665, 34_675, 34_853, 37_500, 40_000, 65_535),
    ),
    fc.nat(18),
    anyNumber,
    fc.oneof(anyNumber, fc.nat(2_000)),
  )
  .map(([tag, type, count, value]) => {
    const order = { little: true, big: false };
    return part(
      String(tag),
      number(2, tag, order),
      number(2, type, order),
      number(4, count, order),
      number(4, value, order),
    );
  });

/** EXIF, and the index of a JPEG with several images: a TIFF without an image, whose entries name others of its parts. */
export const anyExif: fc.Arbitrary<Buffer> = fc
  .tuple(
    anyOrder,
    fc.array(
      fc.tuple(
        fc.constantFrom(
          271,
          272,
          274,
          305,
          306,
          315,
          33_432,
          34_665,
          34_853,
          40_965,
          36_867,
          37_500,
          37_510,
          45_058,
          1,
          2,
          3,
          4,
        ),
        fc.nat(13),
        anyNumber,
        fc.oneof(anyNumber, fc.nat(400)),
      ),
      { maxLength: 120 },
    ),
    fc.nat(2_000),
  )
  .map(([{ little }, drawn, length]) => {
    const order = { little, big: false };
    const entries = drawn.map(([tag, type, count, value]) =>
      part(
        String(tag),
        number(2, tag, order),
        number(2, type, order),
        number(4, count, order),
        number(4, value, order),
      ),
    );
    // Any place in the block is also the place of a directory without entries.
    return Buffer.concat([head(8, order), directoryOf(entries, 0, order), Buffer.alloc(length)]);
  });

function inOrder(entries: readonly Part[], { little }: Order): Part[] {
  const tag = ({ body }: Part) => (little ? body.readUInt16LE(0) : body.readUInt16BE(0));
  return entries.toSorted((one, other) => tag(one) - tag(other));
}

/** An entry that an edit has made shorter or longer moves those behind it. */
function directoryOf(entries: readonly Part[], next: number, order: Order): Buffer {
  const claimed = entries.find(({ claims }) => claims !== undefined)?.claims ?? entries.length;
  return Buffer.concat([
    number(order.big ? 8 : 2, claimed, order),
    ...entries.flatMap(({ body, tail = Buffer.alloc(0) }) => [body, tail]),
    number(order.big ? 8 : 4, next, order),
  ]);
}

function head(firstAt: number, { little, big }: Order): Buffer {
  const order = { little, big };
  const start = [Buffer.from(little ? 'II' : 'MM'), number(2, big ? 43 : 42, order)];
  return Buffer.concat([
    ...start,
    ...(big ? [number(2, 8, order), number(2, 0, order)] : []),
    number(big ? 8 : 4, firstAt, order),
  ]);
}

function number(length: 1 | 2 | 4 | 8, value: number, { little }: Order): Buffer {
  const bytes = Buffer.alloc(length);
  if (length === 8) {
    if (little) bytes.writeBigUInt64LE(BigInt(value));
    else bytes.writeBigUInt64BE(BigInt(value));
  } else if (little) bytes.writeUIntLE(value % 256 ** length, 0, length);
  else bytes.writeUIntBE(value % 256 ** length, 0, length);
  return bytes;
}
