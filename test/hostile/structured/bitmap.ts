import fc from 'fast-check';
import { type BitmapFields, bitmapHeaderOf, bmpOf, icoOf } from '../containers/bitmap.ts';
import { filesOf, type Ingredients } from './ingredients.ts';
import { anyBytes, anyNumber, anySide, type Edit, editsOf, type Part, part } from './parts.ts';

// Headers of all versions, and of none.
const anyVersion = fc.constantFrom(12, 40, 40, 40, 40, 52, 56, 56, 64, 108, 124, 124, 16, 41, 200);
const anyDepth = fc.constantFrom(1, 2, 4, 8, 16, 24, 32, 0, 64);
const anyMask = fc.oneof(
  fc.constantFrom(0, 0x1f, 0x7e0, 0xf800, 0xff, 0xff00, 0xff0000, 0xff000000, 0x3ff, 2 ** 32 - 1),
  anyNumber,
);

/** Most of them with depths that suit their compression, or they would all be refused at once. */
const anyFields: fc.Arbitrary<BitmapFields> = fc
  .tuple(
    ...([anySide, anySide, fc.boolean(), anyVersion, anyNumber] as const),
    fc.array(anyMask, { minLength: 3, maxLength: 4 }),
    fc.oneof(
      fc.constantFrom([1, 0], [4, 0], [8, 0], [16, 0], [24, 0], [32, 0], [8, 1], [4, 2], [16, 3], [32, 3], [32, 6]),
      fc.tuple(anyDepth, fc.nat(7)),
    ),
  )
  .map(([width, height, isTopDown, version, colours, masks, [bits = 0, compression = 0]]) => ({
    ...{ width, height: isTopDown && version > 12 ? -height : height, bits, compression, version, masks },
    colours: colours % 300,
    profile: { after: colours % 5_000, length: colours % 4_000 },
  }));

/** Codes of RLE8 and RLE4: runs, pixels as they are, moves, ends of rows and of the bitmap. */
const codes = fc
  .array(
    fc.oneof(
      fc.tuple(fc.integer({ min: 1, max: 255 }), fc.nat(255)).map((pair) => Buffer.from(pair)),
      fc.constantFrom(Buffer.from([0, 0]), Buffer.from([0, 0]), Buffer.from([0, 1])),
      fc.tuple(fc.nat(255), fc.nat(255)).map(([x, y]) => Buffer.from([0, 2, x, y])),
      fc
        .tuple(fc.integer({ min: 3, max: 255 }), anyBytes(255))
        .map(([count, bytes]) => Buffer.concat([Buffer.from([0, count]), bytes])),
    ),
    { maxLength: 400 },
  )
  .map((all) => Buffer.concat(all));

const pixels = fc.oneof(
  codes,
  anyBytes(3_000),
  fc.tuple(fc.nat(60_000), fc.nat(255)).map(([length, value]) => Buffer.alloc(length, value)),
);

const bitmapParts = ({ good, profiles }: Ingredients) =>
  fc.oneof(
    anyFields.map((fields) => part('head', bitmapHeaderOf(fields))),
    anyBytes(1_200).map((colours) => part('palette', colours)),
    pixels.map((data) => part('data', data)),
    fc.constantFrom(...profiles).map((profile) => part('profile', profile)),
    filesOf(good, '.jpg', '.png').map((file) => part('data', file)),
  );

const END_OF_RUNS = Buffer.from([0, 1]);

function bytesOf({ width, height, bits }: BitmapFields): number {
  return Math.ceil((width * bits) / 32) * 4 * Math.abs(height);
}

/** Header, palette and pixels as they follow each other. */
const whole = fc.tuple(anyFields, anyBytes(1_024), pixels).map(([fields, palette, data]): readonly Part[] => [
  part('head', bitmapHeaderOf(fields)),
  part('palette', palette),
  // Most have data for all of their pixels.
  part(
    'data',
    data,
    ![1, 2].includes(fields.compression ?? 0) ? Buffer.alloc(Math.min(400_000, bytesOf(fields)), 0x55) : END_OF_RUNS,
  ),
]);

/** BMPs of headers, palettes, pixels and profiles in any number, order and length. */
export function bmps(from: Ingredients): fc.Arbitrary<readonly [Edit, Buffer]> {
  const found = filesOf(from.good, '.bmp').map(partsOfBmp);
  return fc
    .tuple(fc.oneof(whole, found), editsOf(bitmapParts(from)))
    .map(([parts, edit]) => [edit, bmpWith(edit.apply(parts))]);
}

function partsOfBmp(file: Buffer): readonly Part[] {
  const [headEnd, dataAt] = [14 + file.readUInt32LE(14), file.readUInt32LE(10)];
  return [
    part('head', file.subarray(14, headEnd)),
    part('palette', file.subarray(headEnd, dataAt)),
    part('data', file.subarray(dataAt)),
  ];
}

/** The header names the place of the first pixels, or the one that they claim. */
function bmpWith(parts: readonly Part[]): Buffer {
  const [head, ...rest] = parts;
  const before = rest.findIndex(({ type }) => type === 'data');
  const behind = rest.slice(0, Math.max(0, before)).reduce((sum, { body }) => sum + body.length, 0);
  const claimed = parts.find(({ claims }) => claims !== undefined)?.claims;
  return bmpOf(head?.body ?? Buffer.alloc(0), joined(rest), (claimed ?? behind) % 2 ** 31);
}

function joined(parts: readonly Part[]): Buffer {
  return Buffer.concat(parts.flatMap(({ body, tail = Buffer.alloc(0) }) => [body, tail]));
}

/** ICOs of bitmaps, PNGs and other files, whose directory says where each is. */
export function icos(from: Ingredients): fc.Arbitrary<readonly [Edit, Buffer]> {
  const image = fc.oneof(
    whole.map((parts) => part('bitmap', joined(parts))),
    fc
      .tuple(fc.integer({ min: 1, max: 64 }), fc.constantFrom(1, 4, 8, 24, 32))
      .map(([side, bits]) =>
        part(
          'icon',
          bitmapHeaderOf({ width: side, height: 2 * side, bits }),
          Buffer.alloc(side * side * 5 + 1_100, 0x99),
        ),
      ),
    filesOf(from.good, '.png').map((file) => part('png', file)),
    filesOf(from.good, '.jpg', '.gif').map((file) => part('other', file)),
  );
  return fc
    .tuple(fc.array(image, { minLength: 1, maxLength: 4 }), editsOf(image), fc.option(anyNumber), anySide)
    .map(([parts, edit, count, side]) => {
      const icons = edit.apply(parts).map(({ body, claims, tail = Buffer.alloc(0) }, index) => ({
        ...{ bytes: Buffer.concat([body, tail]), width: side, height: side },
        // The length, or the place, of every other.
        ...(claims !== undefined && (index % 2 === 0 ? { length: claims } : { at: claims })),
      }));
      return [edit, icoOf(icons, count ?? icons.length)];
    });
}
