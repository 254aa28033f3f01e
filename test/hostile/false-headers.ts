import { crc32 } from 'node:zlib';
import { ispe } from './containers/avif.ts';
import { patched, u16be, u16le, u24le, u32be, u32le } from './containers/numbers.ts';
import { tiffOfStrips, tiffOfTiles } from './containers/tiff.ts';
import { webp, webpHeader, webpPicture } from './containers/webp.ts';
import type { Maker } from './hostile-file.ts';

/** Files whose header contradicts the rest of the file. */
export function falseHeaders(good: ReadonlyMap<string, Buffer>): readonly Maker[] {
  const of = (name: string) => good.get(name) ?? Buffer.alloc(0);
  return [...sizes.flatMap((side) => falseSizes(side, of)), ...otherFalseHeaders(of)];
}

const sizes = [0, 1, 159, 161, 5_000, 65_535, 2 ** 31 - 1];

function falseSizes(side: number, of: (name: string) => Buffer): readonly Maker[] {
  const short = Math.min(side, 65_535);
  const claims = (type: string, make: () => Buffer): Maker => [`claims ${side} × ${side}.${type}`, async () => make()];
  return [
    claims('png', () => pngClaiming(of('plain.png'), 16, Buffer.concat([u32be(side), u32be(side)]))),
    claims('gif', () => patched(of('still.gif'), 6, Buffer.concat([u16le(short), u16le(short)]))),
    claims('jpg', () => jpegClaiming(of('baseline.jpg'), 3, Buffer.concat([u16be(short), u16be(short)]))),
    claims('webp', () => {
      const bytes = of('lossy.webp');
      const canvas = u24le(Math.max(0, Math.min(side, 2 ** 24) - 1));
      return patched(bytes, bytes.indexOf('VP8X') + 12, Buffer.concat([canvas, canvas]));
    }),
    claims('lossy inside.webp', () => {
      const bytes = of('lossy.webp');
      const size = u16le(Math.min(side, 0x3fff));
      return patched(bytes, bytes.indexOf(Buffer.from([0x9d, 0x01, 0x2a])) + 3, Buffer.concat([size, size]));
    }),
    claims('lossless inside.webp', () => {
      const bytes = of('lossless.webp');
      const sizeAndFlags = Math.max(0, Math.min(side, 0x4000) - 1);
      return patched(bytes, bytes.indexOf('VP8L') + 9, u32le(sizeAndFlags * 2 ** 14 + sizeAndFlags));
    }),
    claims('avif', () => {
      const bytes = of('still.avif');
      return patched(bytes, bytes.indexOf('ispe') - 4, ispe(side, side));
    }),
    claims('heic', () => {
      const bytes = of('still.heic');
      return patched(bytes, bytes.indexOf('ispe') - 4, ispe(side, side));
    }),
    claims('bmp', () => patched(of('plain.bmp'), 18, Buffer.concat([u32le(side), u32le(side)]))),
    claims('runs.bmp', () => patched(of('runs.bmp'), 18, Buffer.concat([u32le(side), u32le(side)]))),
    claims('ico', () => patched(of('alpha.ico'), 6 + 16 + 4, Buffer.concat([u32le(side), u32le(side)]))),
    claims('tiff', () => tiffClaiming(tiffClaiming(of('lzw.tiff'), 256, side), 257, side)),
    claims('tiles.tiff', () => tiffClaiming(tiffClaiming(of('tiles.tiff'), 322, side), 323, side)),
  ];
}

function otherFalseHeaders(of: (name: string) => Buffer): readonly Maker[] {
  const still = (name: string, make: () => Buffer): Maker => [name, async () => make()];
  const png = (name: string, at: number, ...bytes: readonly number[]) =>
    still(`claims ${name}.png`, () => pngClaiming(of('plain.png'), at, Buffer.from(bytes)));
  const jpeg = (name: string, at: number, ...bytes: readonly number[]) =>
    still(`claims ${name}.jpg`, () => jpegClaiming(of('baseline.jpg'), at, Buffer.from(bytes)));
  const tiff = (name: string, tag: number, value: number) =>
    still(`claims ${name}.tiff`, () => tiffClaiming(of('lzw.tiff'), tag, value));
  return [
    ...[png('sixteen bits', 24, 16), png('a palette', 25, 3), png('no compression', 26, 1), png('interlaced', 28, 1)],
    ...[
      jpeg('twelve bits', 2, 12),
      jpeg('four channels', 7, 4),
      jpeg('no channels', 7, 0),
      jpeg('4 × 4 subsampling', 9, 0x44),
    ],
    jpeg('missing tables', 10, 3),
    ...[tiff('no samples', 277, 0), tiff('65,535 samples', 277, 65_535), tiff('an unknown compression', 259, 9_999)],
    ...[
      tiff('one row per strip', 278, 1),
      tiff('a strip of 2 GB', 279, 2 ** 31),
      tiff('strips beyond the end', 273, 2 ** 31),
    ],
    ...[tiff('CMYK', 262, 5), tiff('a palette', 262, 3), tiff('Lab', 262, 8), tiff('planes', 284, 2)],
    still('a directory that follows itself.tiff', () => {
      const bytes = tiffOfStrips({ width: 100, height: 100 }, 16);
      const directory = bytes.readUInt32LE(4);
      return patched(bytes, directory + 2 + 12 * bytes.readUInt16LE(directory), u32le(directory));
    }),
    still('six samples.tiff', () => tiffOfStrips({ width: 100, height: 100, samples: 6 }, 16)),
    still('planes of floating point.tiff', () =>
      tiffOfStrips({ width: 100, height: 100, samples: 4, bits: 32, sampleFormat: 3, planar: true }, 16),
    ),
    still('tiles larger than the image.tiff', () => tiffOfTiles({ width: 10, height: 10 }, 1_600)),
    still('a canvas smaller than its frame.webp', () =>
      webp([webpHeader(0, 10, 10), webpPicture(withoutHeader(of('lossless.webp')))]),
    ),
    still('a length beyond the end.webp', () => patched(of('lossless.webp'), 16, u32le(2 ** 32 - 2))),
    still('a RIFF of four gigabytes.webp', () => patched(of('lossless.webp'), 4, u32le(2 ** 32 - 2))),
    still('pixels at the end of the file.bmp', () => patched(of('plain.bmp'), 10, u32le(of('plain.bmp').length))),
    still('pixels beyond the end.bmp', () => patched(of('plain.bmp'), 10, u32le(2 ** 32 - 1))),
    still('a topmost row first, of 2³¹.bmp', () => patched(of('plain.bmp'), 22, u32le(2 ** 31))),
    still('four billion colours.bmp', () => patched(of('runs.bmp'), 46, u32le(2 ** 32 - 1))),
    still('a header of four gigabytes.bmp', () => patched(of('plain.bmp'), 14, u32le(2 ** 32 - 1))),
    still('65,535 images.ico', () => patched(of('mask.ico'), 4, u16le(65_535))),
    still('an image at the directory.ico', () => patched(of('mask.ico'), 18, u32le(0))),
    still('a box of four gigabytes.avif', () => patched(of('still.avif'), 0, u32be(2 ** 32 - 1))),
    still('a box of no length.avif', () => patched(of('still.avif'), of('still.avif').indexOf('ipco') - 4, u32be(0))),
  ];
}

/** Only the coded image, as in a simple file. */
function withoutHeader(bytes: Buffer): Buffer {
  const at = bytes.indexOf('VP8L');
  return webp([bytes.subarray(at, at + 8 + bytes.readUInt32LE(at + 4))]);
}

function pngClaiming(png: Buffer, at: number, value: Buffer): Buffer {
  const copy = patched(png, at, value);
  return patched(copy, 29, u32be(crc32(copy.subarray(12, 29))));
}

/** @param at offset after the frame's marker and length */
function jpegClaiming(jpeg: Buffer, at: number, value: Buffer): Buffer {
  return patched(jpeg, jpeg.indexOf(Buffer.from([0xff, 0xc0])) + 2 + at, value);
}

/** Keeps the entry's type. sharp writes little-endian. */
function tiffClaiming(tiff: Buffer, tag: number, value: number): Buffer {
  const directory = tiff.readUInt32LE(4);
  const copy = Buffer.from(tiff);
  for (let at = directory + 2; at < directory + 2 + 12 * tiff.readUInt16LE(directory); at += 12) {
    if (tiff.readUInt16LE(at) !== tag) continue;
    (tiff.readUInt16LE(at + 2) === 3 ? u16le(Math.min(value, 65_535)) : u32le(value)).copy(copy, at + 8);
  }
  return copy;
}
