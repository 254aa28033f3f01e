import fc from 'fast-check';
import { type AvifItem, alphaOf, avif, box, gridOf, ispe } from '../containers/avif.ts';
import { u16be, u32be } from '../containers/numbers.ts';
import { anyProfile, filesOf, type Ingredients } from './ingredients.ts';
import { anyBytes, anyNumber, anySide, copies, type Edit, editsOf, type Part, part } from './parts.ts';
import { anyExif } from './tiff.ts';

/**
 * AVIFs or HEICs of items and boxes (ISO 14496-12, 23008-12): images, grids, layers and metadata that refer to each other, with properties
 * and extents in any number, and boxes within boxes in any order. The data is in front, so that boxes can grow.
 */
export function heifs(
  brand: 'avif' | 'heic',
  images: readonly AvifItem[],
  ingredients: Ingredients,
): fc.Arbitrary<readonly [Edit, Buffer]> {
  const file = fc.oneof(
    { weight: 3, arbitrary: itemsOf(images, ingredients).map((items) => avif(items, { brand, dataFirst: true })) },
    { weight: 1, arbitrary: filesOf(ingredients.good, `.${brand}`) },
  );
  const inBox = fc.constantFrom('', 'meta', 'iprp', 'ipco', 'iinf', 'iref', 'moov', 'trak', 'stbl');
  // Half of the files have none: what their items request is the trick.
  const edited = fc.tuple(inBox, editsOf(boxesOf(ingredients))).map(([type, { name, apply }]) => ({
    name: `${name} in ${type || 'the file'}`,
    change: (bytes: Buffer) => withinBox(bytes, type, apply),
  }));
  return fc.tuple(file, fc.oneof(fc.constant([]), fc.array(edited, { maxLength: 3 }))).map(([bytes, edits]) => {
    const name = edits.map((each) => each.name).join('; ') || 'items';
    return [{ name, apply: (parts) => parts }, edits.reduce((changed, { change }) => change(changed), bytes)];
  });
}

// ── Items ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function itemsOf(images: readonly AvifItem[], { profiles }: Ingredients): fc.Arbitrary<readonly AvifItem[]> {
  const property = anyProperty(profiles);
  const size = fc.oneof(fc.constantFrom(64, 300), anySide);
  const extents = fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(40) });
  const target = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 14 }));
  const targets = fc.oneof(
    fc.array(target, { minLength: 1, maxLength: 12 }),
    fc.tuple(target, fc.nat(300)).map(([to, count]) => Array.from({ length: count }, () => to)),
  );
  const refers = (types: fc.Arbitrary<string>) => fc.record({ as: types, to: targets });
  const some = fc.array(property, { maxLength: 4 });
  const many = fc.tuple(property, fc.nat(60)).map(([each, count]) => copies(each, count, each.length));
  const properties = fc.oneof({ weight: 4, arbitrary: some }, { weight: 1, arbitrary: many });

  const image = fc
    .tuple(
      fc.constantFrom(...images),
      properties,
      extents,
      fc.option(refers(fc.constantFrom('auxl', 'thmb', 'cdsc', 'prem'))),
    )
    .map(
      ([item, more, count, to]): AvifItem => ({
        ...item,
        ...{ properties: [...item.properties, ...more], extents: count },
        ...(to && { refers: to }),
      }),
    );
  const derived = fc
    .tuple(
      fc.constantFrom('grid', 'grid', 'iovl', 'iden'),
      fc.nat(16),
      fc.nat(16),
      size,
      properties,
      refers(fc.constant('dimg')),
    )
    .map(([type, columns, rows, side, more, to]): AvifItem => {
      const layers = Buffer.concat([Buffer.alloc(10), u16be(side), u16be(side), Buffer.alloc(4 * to.to.length)]);
      const data: Readonly<Record<string, Buffer>> = { grid: gridOf(columns + 1, rows + 1, side), iovl: layers };
      const [width, height] = type === 'grid' ? [(columns + 1) * side, (rows + 1) * side] : [side, side];
      return { type, data: data[type] ?? Buffer.alloc(0), properties: [ispe(width, height), ...more], refers: to };
    });
  const metadata = fc
    .tuple(
      fc.constantFrom('Exif', 'mime', 'uri ', 'hvc1', 'unci', 'mski'),
      fc.oneof(anyExif, anyBytes(200)),
      extents,
      targets,
    )
    .map(
      ([type, block, count, to]): AvifItem => ({
        ...{ type, data: Buffer.concat([u32be(0), block]), properties: [], extents: count },
        refers: { as: 'cdsc', to },
      }),
    );
  const item = fc.oneof({ weight: 4, arbitrary: image }, { weight: 2, arbitrary: derived }, metadata);
  const few = fc
    .tuple(fc.oneof(image, derived), fc.array(item, { maxLength: 12 }))
    .map(([first, rest]) => [first, ...rest]);
  const repeated = fc
    .tuple(image, item, fc.nat(120))
    .map(([first, each, count]) => [first, ...copies(each, count, bytesOf(each))]);
  return fc.oneof({ weight: 4, arbitrary: few }, { weight: 1, arbitrary: repeated });
}

function bytesOf({ data, properties, refers }: AvifItem): number {
  return data.length + Buffer.concat(properties).length + 2 * (refers?.to.length ?? 0);
}

function anyProperty(profiles: readonly Buffer[]): fc.Arbitrary<Buffer> {
  return fc.oneof(
    fc.tuple(anySide, anySide).map(([width, height]) => ispe(width, height)),
    fc.nat(3).map((turn) => box('irot', Buffer.from([turn]))),
    fc.nat(1).map((axis) => box('imir', Buffer.from([axis]))),
    fc.array(anyNumber, { minLength: 8, maxLength: 8 }).map((numbers) => box('clap', ...numbers.map(u32be))),
    fc.constant(alphaOf),
    anyProfile(profiles).map((profile) => box('colr', Buffer.from('prof'), profile)),
    fc
      .array(fc.nat(20), { minLength: 3, maxLength: 3 })
      .map((codes) => box('colr', Buffer.from('nclx'), ...codes.map(u16be), Buffer.from([0x80]))),
    anyBytes(6).map((channels) => box('pixi', Buffer.alloc(4), channels)),
    fc
      .tuple(fc.constantFrom('a1op', 'lsel', 'a1lx', 'pasp', 'clli', 'free'), anyBytes(20))
      .map(([type, body]) => box(type, body)),
  );
}

// ── Boxes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Boxes that can be added anywhere. */
function boxesOf({ profiles }: Ingredients): fc.Arbitrary<Part> {
  const numbers = fc.array(anyNumber, { maxLength: 30 }).map((all) => Buffer.concat(all.map(u32be)));
  return fc.oneof(
    anyProperty(profiles).map((bytes) => part(bytes.toString('latin1', 4, 8), bytes.subarray(8))),
    fc
      .tuple(
        fc.constantFrom('iloc', 'iinf', 'iref', 'ipma', 'pitm', 'idat', 'grpl', 'dref', 'stsz', 'stco', 'stts', 'stsc'),
        numbers,
      )
      .map(([type, body]) => part(type, Buffer.alloc(4), body)),
    fc.integer({ min: 1, max: 400 }).map((depth) =>
      part(
        'meta',
        Buffer.alloc(4),
        Array.from({ length: depth }).reduce<Buffer>((inner) => box('iprp', inner), Buffer.alloc(0)),
      ),
    ),
  );
}

/** By type of box, the number of bytes before its inner boxes. */
const containers: Readonly<Record<string, number>> = {
  ...{ meta: 4, iinf: 6, iref: 4, iprp: 0, ipco: 0, moov: 0, trak: 0, mdia: 0, minf: 0, stbl: 0 },
};

/** Changes the parts of the first box of a type, or of the file, and writes those around it with their true lengths. */
function withinBox(bytes: Buffer, type: string, change: Edit['apply']): Buffer {
  // The first box says what kind of file it is.
  const [first, ...rest] = boxes(bytes);
  if (type === '') return written([...(first ? [first] : []), ...change(rest)]);
  const inside = (parts: readonly Part[]): readonly Part[] =>
    parts.map((each) => {
      const before = containers[each.type];
      if (before === undefined) return each;
      const inner = boxes(each.body.subarray(before));
      const changed = each.type === type ? change(inner) : inside(inner);
      return { ...each, body: Buffer.concat([each.body.subarray(0, before), written(changed)]) };
    });
  return written(inside(boxes(bytes)));
}

function boxes(bytes: Buffer): Part[] {
  const found: Part[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const end = at + Math.max(8, bytes.readUInt32BE(at) || bytes.length - at);
    found.push(part(bytes.toString('latin1', at + 4, at + 8), bytes.subarray(at + 8, end)));
    at = end;
  }
  return found;
}

function written(parts: readonly Part[]): Buffer {
  return Buffer.concat(
    parts.flatMap(({ type, body, claims = body.length + 8, tail = Buffer.alloc(0) }) => [
      u32be(claims),
      Buffer.from(type, 'latin1'),
      body,
      tail,
    ]),
  );
}
