import fc from 'fast-check';
import { brokenFiles } from './broken-files.ts';
import { type AvifItem, alphaOf, avif, avifItems, box, ispe } from './containers/avif.ts';
import { u16be, u32be } from './containers/numbers.ts';
import { fixture } from './good-files.ts';
import type { Maker } from './hostile-file.ts';

/** HEICs for the decoder in WebAssembly: half damaged anywhere, half made of sound parts that do not fit together. */
export function hostileHeics(seed: number, count: number): readonly Maker[] {
  const damaged = Math.ceil(count / 2);
  const misfits = fc.sample(misfit, { seed, numRuns: count - damaged });
  return [
    ...brokenFiles(new Map(names.map((name) => [`${name}.heic`, file(name)])), seed, damaged),
    ...misfits.map(({ name, make }, index): Maker => [`${index} ${name}.heic`, async () => make()]),
  ];
}

// One for each depth, chroma format and number of items.
const names = [
  'p3',
  'p3-10-bit',
  '12-bit',
  'clear',
  'clear-10-bit',
  'clear-premultiplied',
  'grey',
  'no-chroma-subsampling',
];
const file = (name: string) => fixture(`heic/${name}.heic`);

interface Misfit {
  readonly name: string;
  readonly make: () => Buffer;
}

const [width, height] = [240, 160];
const parts = names.flatMap((name) => avifItems(file(name)));
const coded = fc
  .constantFrom(...parts)
  .map(({ data, properties }): AvifItem => ({ type: 'hvc1', data, properties: [ispe(width, height), ...properties] }));

const odd32 = fc.constantFrom(0, 1, 7, 64, 160, 240, 4_096, 65_535, 2 ** 31, 2 ** 32 - 1);
const odd16 = fc.constantFrom(0, 1, 2, 3, 4, 5, 99, 65_535);
const named = (name: string, items: fc.Arbitrary<readonly AvifItem[]>): fc.Arbitrary<Misfit> =>
  items.map((all) => ({ name, make: () => avif(all, { brand: 'heic' }) }));

/** Bits of one part only. */
function flipped(bytes: Buffer, flips: readonly (readonly [share: number, bit: number])[]): Buffer {
  const copy = Buffer.from(bytes);
  for (const [share, bit] of flips) {
    const at = Math.floor(share * copy.length);
    copy.writeUInt8(copy.readUInt8(at) ^ (1 << bit), at);
  }
  return copy;
}
const flips = fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(7)), {
  minLength: 1,
  maxLength: 12,
});

/** Sizes, profiles and depths in the configuration that the decoder reads before the first pixel. */
const configurations = named(
  'with a damaged configuration',
  fc.tuple(coded, flips).map(([item, where]) => [
    {
      ...item,
      // Behind the head of its box, which would only be skipped.
      properties: item.properties.map((each) =>
        each.includes('hvcC') ? Buffer.concat([each.subarray(0, 8), flipped(each.subarray(8), where)]) : each,
      ),
    },
  ]),
);

const slices = named(
  'with damaged slices',
  fc.tuple(coded, flips).map(([item, where]) => [{ ...item, data: flipped(item.data, where) }]),
);

const lengths = named(
  'with other lengths of its units',
  fc
    .tuple(coded, odd32, fc.nat(3))
    .map(([item, length, times]) => [
      { ...item, data: Buffer.concat([...Array.from({ length: times }, () => item.data), u32be(length), item.data]) },
    ]),
);

const foreignConfigurations = named(
  'with the configuration of another image',
  fc.tuple(coded, coded).map(([one, other]) => [{ ...one, properties: other.properties }]),
);

const claimedSizes = named(
  'of another size',
  fc
    .tuple(coded, odd32, odd32)
    .map(([item, wide, high]) => [{ ...item, properties: [ispe(wide, high), ...item.properties.slice(1)] }]),
);

const grids = named(
  'in a grid that does not fit',
  fc
    .tuple(
      fc.array(coded, { minLength: 1, maxLength: 4 }),
      fc.nat(255),
      fc.nat(255),
      odd32,
      odd32,
      fc.array(odd16, { maxLength: 9 }),
    )
    .map(([tiles, rows, columns, wide, high, to]) => [
      {
        ...{ type: 'grid', data: Buffer.concat([Buffer.from([0, 1, rows, columns]), u32be(wide), u32be(high)]) },
        ...{ properties: [ispe(wide, high)], refers: { as: 'dimg', to } },
      },
      ...tiles,
    ]),
);

const soundGrids = named(
  'in a grid of different images',
  fc.tuple(fc.array(coded, { minLength: 4, maxLength: 4 }), odd32).map(([tiles, side]) => [
    {
      ...{ type: 'grid', data: Buffer.concat([Buffer.from([0, 1, 1, 1]), u32be(2 * width), u32be(2 * height)]) },
      ...{ properties: [ispe(2 * width, side)], refers: { as: 'dimg', to: [2, 3, 4, 5] } },
    },
    ...tiles,
  ]),
);

const overlays = named(
  'derived from others or itself',
  fc
    .tuple(
      coded,
      fc.constantFrom('iovl', 'iden', 'grid', 'tmap'),
      fc.array(odd16, { maxLength: 5 }),
      fc.uint8Array({ maxLength: 60 }),
    )
    .map(([item, type, to, data]) => [
      { type, data: Buffer.from(data), properties: [ispe(width, height)], refers: { as: 'dimg', to } },
      item,
    ]),
);

const companions = named(
  'with an alpha, thumbnail or depth that does not fit',
  fc
    .tuple(coded, coded, fc.constantFrom('auxl', 'thmb', 'prem', 'dimg', 'cdsc'), odd16, odd32)
    .map(([item, other, as, to, wide]) => [
      item,
      {
        ...other,
        properties: [ispe(wide, height), ...other.properties.slice(1), alphaOf],
        refers: { as, to: [1, to] },
      },
    ]),
);

const transforms = named(
  'that is turned, mirrored and cropped',
  fc
    .tuple(
      coded,
      fc.array(
        fc.oneof(
          fc.nat(255).map((angle) => box('irot', Buffer.from([angle]))),
          fc.nat(255).map((axis) => box('imir', Buffer.from([axis]))),
          fc.array(odd32, { minLength: 8, maxLength: 8 }).map((numbers) => box('clap', ...numbers.map(u32be))),
        ),
        { minLength: 1, maxLength: 6 },
      ),
    )
    .map(([item, turns]) => [{ ...item, properties: [...item.properties, ...turns] }]),
);

const properties = named(
  'with nonsense in its properties',
  fc
    .tuple(
      coded,
      fc.constantFrom('colr', 'pixi', 'clli', 'pasp', 'hvcC', 'auxC', 'rloc', 'mdcv'),
      fc.uint8Array({ maxLength: 200 }),
    )
    .map(([item, type, noise]) => [
      {
        ...item,
        properties: [
          ...item.properties,
          box(type, ...(type === 'colr' ? [Buffer.from('prof')] : []), Buffer.from(noise)),
        ],
      },
    ]),
);

const metadata = named(
  'with nonsense in its metadata',
  fc
    .tuple(coded, fc.constantFrom('Exif', 'mime', 'uri ', 'rgan'), odd32, fc.uint8Array({ maxLength: 300 }), odd16)
    .map(([item, type, offset, noise, to]) => [
      item,
      {
        type,
        data: Buffer.concat([u32be(offset), Buffer.from(noise)]),
        properties: [],
        refers: { as: 'cdsc', to: [1, to] },
      },
    ]),
);

const foreignItems = named(
  'of another codec',
  fc
    .tuple(coded, fc.constantFrom('av01', 'avc1', 'vvc1', 'j2k1', 'jpeg', 'unci', 'mski', 'hev1', 'lhv1'), fc.boolean())
    .map(([item, type, isShown]) => (isShown ? [{ ...item, type }, item] : [item, { ...item, type }])),
);

const boxes: fc.Arbitrary<Misfit> = fc
  .tuple(coded, fc.constantFrom('iloc', 'iinf', 'iref', 'ipco', 'ipma', 'pitm', 'hdlr', 'infe', 'meta'), odd32, odd16)
  .map(([item, type, length, value]) => ({
    name: `with another ${type}`,
    make: () => {
      const copy = avif([item, { ...item, refers: { as: 'auxl', to: [1] } }], { brand: 'heic' });
      const at = copy.indexOf(type);
      if (value % 2 === 0) copy.writeUInt32BE(length, at - 4);
      u16be(value).copy(copy, at + 4 + (value % 11));
      return copy;
    },
  }));

const misfit = fc.oneof(
  ...[configurations, configurations, slices, slices, lengths, foreignConfigurations, claimedSizes, grids, soundGrids],
  ...[overlays, companions, transforms, properties, metadata, foreignItems, boxes],
);
