import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import {
  type AvifItem,
  alphaOf,
  avif,
  avifItems,
  avifWith,
  box,
  gridOf,
  ispe,
  overlayOf,
  placeOfItem,
  typeOfItem,
} from './containers/avif.ts';
import { flat, flatAndClear } from './containers/flat.ts';
import {
  curvesOfSamples,
  curvesOfSegments,
  identityMatrix,
  profileOfElements,
  tableOfInputs,
  tableOfPoints,
} from './containers/icc.ts';
import { arithmeticJpegOfScans, jpegOfScans, jpegWith } from './containers/jpeg.ts';
import { patched, repeated, u16be, u32be } from './containers/numbers.ts';
import { pngChunk, pngWith } from './containers/png.ts';
import {
  tiffOfJpegs,
  tiffOfSharedStrips,
  tiffOfSharedValues,
  tiffOfTinyTiles,
  tiffOfUnknownTags,
} from './containers/tiff.ts';
import type { Maker } from './hostile-file.ts';
import { holders, inChunk, inSegments, profileNamed } from './profiles.ts';

/** Small files that request a worker's whole time or memory by repeating, sharing or unpacking: sizes drawn from the seed. */
export function excessiveWork(seed: number, each: number): readonly Maker[] {
  return makersOf(kinds, seed, each);
}

/** Images that a decoder and a reader may find in different places, or take for something else. */
export function ambiguousWork(seed: number, each: number): readonly Maker[] {
  return makersOf(ambiguousKinds, seed, each);
}

/** Canvases far larger than the images on them, up to what a decoder accepts. */
export function wideCanvases(seed: number, each: number): readonly Maker[] {
  return makersOf(canvasKinds, seed, each);
}

function makersOf(kinds: readonly Kind[], seed: number, each: number): readonly Maker[] {
  return kinds.flatMap(([name, sizes, make], index) =>
    fc
      .sample(sizes, { seed: seed + index, numRuns: each })
      .map((drawn): Maker => [`${drawn.join(' × ')} ${name}`, () => make(...drawn)]),
  );
}

type Sizes = readonly [first: number, second: number];
type Kind = readonly [
  name: string,
  sizes: fc.Arbitrary<Sizes>,
  make: (first: number, second: number) => Promise<Buffer>,
];

const between = (min: number, max: number) => fc.integer({ min, max });
const sizes = (first: fc.Arbitrary<number>, second: fc.Arbitrary<number> = fc.constant(1)) => fc.tuple(first, second);

const kinds: readonly Kind[] = [
  [
    'megabytes in compressed texts.png',
    sizes(between(3, 60), between(6, 8)),
    (count, megabytes) => texts(count, megabytes, 'zTXt'),
  ],
  [
    'megabytes in international texts.png',
    sizes(between(3, 60), between(6, 8)),
    (count, megabytes) => texts(count, megabytes, 'iTXt'),
  ],
  ['thousand tiny compressed texts.png', sizes(between(2, 100)), tinyTexts],
  ['rotations of 7 megapixels.avif', sizes(between(30, 250)), (count) => turned(count, 'irot')],
  ['mirrorings of 7 megapixels.avif', sizes(between(30, 250)), (count) => turned(count, 'imir')],
  ['crops of 7 megapixels.avif', sizes(between(30, 250)), (count) => turned(count, 'clap')],
  ['frames of 7 megapixels in one item.avif', sizes(between(30, 200)), framesInOne],
  ['frames of 7 megapixels with zeros between them.avif', sizes(between(30, 200)), framesAndZeros],
  ['extents of one megabyte in a metadata item.avif', sizes(between(1, 8), between(4, 32)), extents],
  ['thousand empty extents.avif', sizes(between(120, 6_000)), emptyExtents],
  ['tiles that share one item.avif', sizes(between(6, 16)), sharedTile],
  ['tiles of 4 megapixels that are one item.avif', sizes(between(8, 16)), wideTiles],
  ['layers of one image.avif', sizes(between(30, 200)), layers],
  ['derivations in a chain.avif', sizes(between(9, 60)), chain],
  ['hidden alphas of 4 megapixels.avif', sizes(between(50, 200)), alphas],
  [
    'values that pages share.tiff',
    sizes(between(100, 2_000), between(10_000, 100_000)),
    async (pages, values) => tiffOfSharedValues(pages, values),
  ],
  [
    'kilobytes that strips share.tiff',
    sizes(between(5_000, 60_000), between(1_000, 2_000)),
    async (strips, kilobytes) => tiffOfSharedStrips(strips, kilobytes * 200),
  ],
  [
    'pages of unknown tags.tiff',
    sizes(between(2, 400), between(2_300, 4_000)),
    async (pages, tags) => tiffOfUnknownTags(pages, tags),
  ],
  [
    'tiles of one pixel.tiff',
    sizes(between(520, 3_000), between(520, 3_000)),
    async (width, height) => tiffOfTinyTiles(width, height),
  ],
  [
    'elements of a profile.png',
    sizes(between(100, 100_000)),
    async (count) => withPng(await profileOf(count, identityMatrix)),
  ],
  [
    'elements of a profile.jpg',
    sizes(between(100, 100_000)),
    async (count) => withJpeg(await profileOf(count, identityMatrix)),
  ],
  [
    'inputs of a profile’s table.png',
    sizes(between(9, 15)),
    async (inputs) => withPng(await profileOf(1, tableOfInputs(inputs))),
  ],
  [
    'segments of a profile’s curves.png',
    sizes(between(1_000, 30_000)),
    async (count) => withPng(await profileOf(2, curvesOfSegments(count))),
  ],
  ...(['jpg', 'png', 'webp', 'tiff', 'avif'] as const).map(
    (type): Kind => [
      `points on each side of tables that elements of a profile share.${type}`,
      sizes(between(61, 75), between(20, 38)),
      async (side, count) => holders[type](await profileOf(count, tableOfPoints(side))),
    ],
  ),
  [
    'thousand samples that curves of a profile share.png',
    sizes(between(100, 300), between(30, 60)),
    async (thousands, count) => withPng(await profileOf(count, curvesOfSamples(thousands * 1_000))),
  ],
  [
    'points on each side of a profile’s table that are not there.png',
    sizes(between(150, 220)),
    async (claimed) => withPng(await profileOf(1, tableOfPoints(2, claimed))),
  ],
  ['scans of 64 megapixels.jpg', sizes(between(35, 100)), async (scans) => jpegOfScans(8_000, scans)],
  [
    'scans of 64 megapixels in arithmetic coding.jpg',
    sizes(between(8, 15)),
    async (scans) => arithmeticJpegOfScans(8_000, scans),
  ],
  [
    'scans in arithmetic coding in strips of 4 megapixels.tiff',
    sizes(between(8, 15), between(15, 24)),
    async (scans, strips) => tiffOfJpegs(arithmeticJpegOfScans(2_000, scans), 2_000, strips),
  ],
  [
    'scans in strips of 4 megapixels.tiff',
    sizes(between(40, 95), between(15, 24)),
    async (scans, strips) => tiffOfJpegs(jpegOfScans(2_000, scans), 2_000, strips),
  ],
];

const ambiguousKinds: readonly Kind[] = [
  [
    'frames of 7 megapixels that are also something else.avif',
    sizes(between(30, 60)),
    async (count) => avifWith(await framesInOne(count), typeOfItem(1, 'zzzz'), 'iinf'),
  ],
  [
    'frames of 7 megapixels in one of two places.avif',
    sizes(between(30, 60)),
    async (count) => avifWith(await framesInOne(count), placeOfItem(1, 0, 12)),
  ],
  [
    'frames of 7 megapixels in one of two descriptions.avif',
    sizes(between(30, 60)),
    async (count) => {
      const [file, other] = [await framesInOne(count), avif([await coded(64)])];
      const at = other.indexOf('meta') - 4;
      return Buffer.concat([file, other.subarray(at, at + other.readUInt32BE(at))]);
    },
  ],
  [
    'frames of 7 megapixels at offsets of two bytes.avif',
    sizes(between(30, 60)),
    async (count) => {
      const file = await framesInOne(count);
      return patched(file, file.indexOf('iloc') + 8, Buffer.from([0x24]));
    },
  ],
];

const canvasKinds: readonly Kind[] = [
  [
    'pixels on each side of an overlay’s canvas.avif',
    sizes(between(5_500, 13_000)),
    async (side) =>
      avif([
        {
          ...{ type: 'iovl', data: overlayOf(side, 1), properties: [ispe(512, 512)] },
          refers: { as: 'dimg', to: [2] },
        },
        await coded(512),
      ]),
  ],
];

// Of images that are repeated: 7 megapixels.
const SIDE = 2_700;

async function texts(count: number, megabytes: number, type: 'zTXt' | 'iTXt'): Promise<Buffer> {
  const packed = deflateSync(Buffer.alloc(megabytes * 1_000_000, 'A'));
  const head = type === 'zTXt' ? 'Comment\0\0' : 'Comment\0\x01\0\0\0';
  const chunk = pngChunk(type, Buffer.concat([Buffer.from(head, 'latin1'), packed]));
  return pngWith(await flat(10).png().toBuffer(), repeated(chunk, count));
}

async function tinyTexts(thousands: number): Promise<Buffer> {
  const chunk = pngChunk('zTXt', Buffer.concat([Buffer.from('a\0\0', 'latin1'), deflateSync(Buffer.alloc(0))]));
  return pngWith(await flat(10).png().toBuffer(), repeated(chunk, thousands * 1_000));
}

/** By side: large images take a second to encode. */
const encoded = new Map<number, Promise<Buffer>>();

async function coded(side: number): Promise<AvifItem> {
  const file = encoded.get(side) ?? flat(side).avif({ effort: 0 }).toBuffer();
  encoded.set(side, file);
  return shownIn(await file, side);
}

function shownIn(file: Buffer, side: number): AvifItem {
  const [item] = avifItems(file);
  if (item === undefined) throw new Error('The AVIF has no image.');
  return { type: 'av01', data: item.data, properties: [ispe(side, side), ...item.properties] };
}

async function turned(count: number, transform: 'irot' | 'imir' | 'clap'): Promise<Buffer> {
  const item = await coded(SIDE);
  const whole = [SIDE, 1, SIDE, 1, 0, 1, 0, 1];
  const turn = transform === 'clap' ? box('clap', ...whole.map(u32be)) : box(transform, Buffer.from([1]));
  return avif([{ ...item, properties: [...item.properties, ...Array.from({ length: count }, () => turn)] }]);
}

async function framesInOne(count: number): Promise<Buffer> {
  const item = await coded(SIDE);
  return avif([{ ...item, data: repeated(item.data, count) }]);
}

async function framesAndZeros(count: number): Promise<Buffer> {
  const item = await coded(SIDE);
  return avif([{ ...item, data: repeated(Buffer.concat([item.data, Buffer.alloc(1)]), count) }]);
}

async function extents(items: number, each: number): Promise<Buffer> {
  const item = {
    type: 'Exif',
    data: Buffer.alloc(1_000_000),
    properties: [],
    refers: { as: 'cdsc', to: [1] },
    extents: each,
  };
  return avif([await coded(64), ...Array.from({ length: items }, () => item)]);
}

async function emptyExtents(thousands: number): Promise<Buffer> {
  const item = {
    type: 'mime',
    data: Buffer.alloc(0),
    properties: [],
    refers: { as: 'cdsc', to: [1] },
    extents: 60_000,
  };
  return avif([await coded(64), ...Array.from({ length: thousands / 60 }, () => item)]);
}

/** Of noise, which takes the decoder far longer for each pixel. */
async function sharedTile(side: number): Promise<Buffer> {
  const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const;
  const tile = sharp({ create: { width: 512, height: 512, channels: 3, background: '#888888', noise } });
  const file = await tile.avif({ effort: 0, quality: 100, chromaSubsampling: '4:4:4' }).toBuffer();
  return gridOfOne(side, 512, shownIn(file, 512));
}

async function wideTiles(side: number): Promise<Buffer> {
  return gridOfOne(side, 2_000, await coded(2_000));
}

function gridOfOne(side: number, tileSide: number, tile: AvifItem): Buffer {
  return avif([
    {
      ...{ type: 'grid', data: gridOf(side, side, tileSide), properties: [ispe(side * tileSide, side * tileSide)] },
      refers: { as: 'dimg', to: Array.from({ length: side * side }, () => 2) },
    },
    tile,
  ]);
}

async function layers(count: number): Promise<Buffer> {
  const canvas = [Buffer.from([0, 0]), u16be(0), u16be(0), u16be(0), u16be(0), u16be(SIDE), u16be(SIDE)];
  const places = repeated(Buffer.alloc(4), count);
  return avif([
    {
      ...{ type: 'iovl', data: Buffer.concat([...canvas, places]), properties: [ispe(SIDE, SIDE)] },
      refers: { as: 'dimg', to: Array.from({ length: count }, () => 2) },
    },
    await coded(SIDE),
  ]);
}

async function chain(count: number): Promise<Buffer> {
  const turn = box('irot', Buffer.from([1]));
  const links = Array.from({ length: count }, (_, index) => ({
    ...{ type: 'iden', data: Buffer.alloc(0), properties: [ispe(SIDE, SIDE), turn] },
    refers: { as: 'dimg', to: [index + 2] },
  }));
  return avif([...links, await coded(SIDE)]);
}

async function alphas(count: number): Promise<Buffer> {
  const [, alpha] = avifItems(await flatAndClear(2_000).avif({ effort: 0 }).toBuffer());
  if (alpha === undefined) throw new Error('The AVIF has no alpha.');
  const hidden = {
    ...{ type: 'av01', data: alpha.data, properties: [ispe(2_000, 2_000), ...alpha.properties, alphaOf] },
    refers: { as: 'auxl', to: [1] },
  };
  return avif([await coded(2_000), ...Array.from({ length: count }, () => hidden)]);
}

async function profileOf(count: number, element: Buffer): Promise<Buffer> {
  return profileOfElements(await profileNamed('p3'), count, element);
}

const withPng = async (profile: Buffer) => pngWith(await flat(40).png().toBuffer(), inChunk(profile));
const withJpeg = async (profile: Buffer) => jpegWith(await flat(40).jpeg().toBuffer(), inSegments(profile));
