import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { gainMapOf, withGainMap } from '../../adapters/sharp/gain-map.ts';
import { withOrientation } from '../../adapters/sharp/jpeg-frame.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import type { Bytes } from '../../core/ports.ts';
import type { Preset } from '../../core/presets.ts';
import { brokenFiles } from '../hostile/broken-files.ts';
import { openImage } from '../support/open-image.ts';

/** 400 × 267 with a map of 200 × 134, written by libultrahdr, which also reads the renditions here (sharp's `gainMap`). */
const ultraHdr = new Uint8Array(readFileSync('test/fixtures/preset-options/ultra-hdr.jpg'));
const codec = sharpImageCodec();
const keeping = (width: number): Preset => ({ name: 'keeping', format: 'jpeg', width, quality: 80, keepGainMap: true });
const plain = (width: number): Preset => ({ name: 'plain', format: 'jpeg', width, quality: 80 });

const START = [0xff, 0xd8];
const [APP1, APP2] = [0xe1, 0xe2];
const ISO = Buffer.from('urn:iso:std:iso:ts:21496:-1\0', 'latin1');

// Uploads never reach this decoder.
beforeAll(() => sharp.unblock({ operation: ['VipsForeignLoadUhdrBuffer'] }));

describe('a preset that keeps gain maps', () => {
  it('has the map of the upload, scaled, behind the same picture', async () => {
    const [kept, without] = await rendered(ultraHdr, [keeping(200), plain(200)]);
    const { data, width, height } = await mapIn(kept);
    expect({ width, height }).toEqual({ width: 100, height: 67 });
    expect(meanDifference(data, await scaledMapOf(ultraHdr, 100, 67))).toBeLessThan(6);
    expect(await sharp(kept).raw().toBuffer()).toEqual(await sharp(without).raw().toBuffer());
    expect((await sharp(without).metadata()).gainMap).toBeUndefined();
  });

  it('keeps its numbers as they are, and no other metadata', async () => {
    const [kept = new Uint8Array()] = await rendered(ultraHdr, [keeping(200)]);
    expect(gainMapOf(kept)?.description).toEqual(gainMapOf(ultraHdr)?.description);
    const { exif, xmp, iptc, icc } = await sharp(kept).metadata();
    expect({ exif, xmp, iptc, icc }).toEqual({});
  });

  it('keeps the numbers of Adobe’s XMP', async () => {
    const numbers = new Map([
      ['GainMapMax', '2.3'],
      ['HDRCapacityMax', '2.3'],
    ]);
    const upload = withGainMap(await jpeg(400, 200), await jpeg(100, 50), { kind: 'xmp', numbers });
    const [kept = new Uint8Array()] = await rendered(upload, [keeping(200)]);
    expect(gainMapOf(kept)?.description).toEqual({ kind: 'xmp', numbers });
    expect((await sharp(kept).metadata()).gainMap).toBeDefined();
  });

  it('turns the map with the picture', async () => {
    // The index counts from its own place, so it stays true.
    const [kept] = await rendered(withOrientation(ultraHdr, 6), [keeping(160)]);
    const { width, height } = await mapIn(kept);
    expect(await sizeOf(kept)).toEqual({ width: 160, height: 240 });
    expect({ width, height }).toEqual({ width: 80, height: 119 });
  });

  it('has a map of its own size in each of several renditions', async () => {
    const kept = await rendered(ultraHdr, [keeping(100), { ...keeping(200), name: 'larger' }]);
    const sizes = (await Promise.all(kept.map(mapIn))).map(({ width, height }) => [width, height]);
    expect(sizes).toEqual([
      [50, 34],
      [100, 67],
    ]);
  });

  it('has none if that is larger than the picture, because decoding it could take any time', async () => {
    const description = { kind: 'xmp', numbers: new Map([['GainMapMax', '2.3']]) } as const;
    const picture = await jpeg(200, 100);
    const withMapOf = async (width: number, height: number) => {
      const upload = withGainMap(picture, await jpeg(width, height), description);
      const [kept = new Uint8Array()] = await rendered(upload, [keeping(100)]);
      return gainMapOf(kept) !== undefined;
    };
    expect([await withMapOf(200, 100), await withMapOf(200, 101)]).toEqual([true, false]);
  });

  it.each([
    ['of an upload without one', 'photos/rocket.jpg'],
    ['of a PNG', 'pngsuite/basn2c08.png'],
  ])('is a JPEG as any other %s', async (_, file) => {
    const [kept, without] = await rendered(new Uint8Array(readFileSync(`test/fixtures/${file}`)), [
      keeping(100),
      plain(100),
    ]);
    expect(Buffer.compare(kept ?? Buffer.alloc(0), without ?? Buffer.alloc(0))).toBe(0);
  });

  it('has none in a crop', async () => {
    const [crop] = await rendered(ultraHdr, [{ ...keeping(100), fit: 'cover', height: 100 }]);
    expect((await sharp(crop).metadata()).gainMap).toBeUndefined();
  });

  it('renders the picture whatever is wrong with the map', async () => {
    const broken = ultraHdr.slice().fill(0x55, ultraHdr.length - 1_000);
    const outcomes = [broken, ultraHdr.slice(0, -1_000)].map(
      async (upload) => (await rendered(upload, [keeping(100)])).length,
    );
    expect(await Promise.all(outcomes)).toEqual([1, 1]);
    for (const [, make] of brokenFiles(new Map([['ultra-hdr.jpg', Buffer.from(ultraHdr)]]), 5, 150)) {
      const opened = await codec.open(new Uint8Array(await make()));
      if (opened.outcome === 'open')
        expect(['rendered', 'rejected']).toContain((await opened.render([keeping(50)])).outcome);
    }
  });
});

describe('looking for a gain map', () => {
  const described = new Uint8Array([...START, ...segment(APP2, [...ISO, ...new Uint8Array(61)])]);

  it('ends after a thousand segments of an image: each takes memory, and a file has room for millions', () => {
    const behind = (segments: number) => {
      const empty = Array.from({ length: segments }, () => segment(APP1, [])).flat();
      return new Uint8Array([...START, ...empty, ...described.subarray(START.length)]);
    };
    expect(gainMapOf(indexed([behind(999)]))).toBeDefined();
    expect(gainMapOf(indexed([behind(1_000)]))).toBeUndefined();
  });

  it('reads no more bytes than the file has, even if its images overlap', () => {
    const plain = new Uint8Array([...START, ...segment(APP1, Array(1_000).fill(0))]);
    expect(gainMapOf(indexed([plain, described]))).toBeDefined();
    expect(gainMapOf(indexed([plain, described], [0, 0, 1]))).toBeUndefined();
  });
});

function segment(marker: number, body: readonly number[]): number[] {
  const length = body.length + 2;
  return [0xff, marker, length >> 8, length & 255, ...body];
}

/** A JPEG without a picture, and images behind it that its index names, in any order and number. */
function indexed(images: readonly Bytes[], order = [...images.keys()]): Bytes {
  const entries = [-1, ...order].length;
  const index = Buffer.alloc(26 + 16 * entries);
  index.write('II*\0\x08\0\0\0\x01\0', 'latin1');
  for (const [at, value] of [0x7_b002, 16 * entries, 26].entries()) index.writeUInt32LE(value, 10 + 4 * at);
  const head = START.length + 4 + 4;
  const starts = images.map((_, at) => images.slice(0, at).reduce((sum, { length }) => sum + length, index.length));
  for (const [at, image] of order.entries()) {
    index.writeUInt32LE(images[image]?.length ?? 0, 26 + 16 * (at + 1) + 4);
    index.writeUInt32LE(starts[image] ?? 0, 26 + 16 * (at + 1) + 8);
  }
  const file = Buffer.concat([
    Buffer.from([...START, ...segment(APP2, [...Buffer.from('MPF\0'), ...index])]),
    ...images,
  ]);
  expect(file.length).toBe(head + (starts.at(-1) ?? 0) + (images.at(-1)?.length ?? 0));
  return new Uint8Array(file);
}

async function rendered(bytes: Bytes, presets: readonly Preset[]): Promise<Bytes[]> {
  const result = await (await openImage(codec, bytes)).render(presets);
  if (result.outcome === 'rejected') throw new Error(result.message);
  return result.renditions.map((rendition) => rendition.bytes);
}

function jpeg(width: number, height: number): Promise<Bytes> {
  const picture = sharp({ create: { width, height, channels: 3, background: '#777777' } }).jpeg();
  return picture.toBuffer().then((bytes) => new Uint8Array(bytes));
}

async function mapIn(bytes: Bytes | undefined) {
  const { gainMap } = await sharp(bytes).metadata();
  if (gainMap === undefined) throw new Error('There is no gain map.');
  const { data, info } = await sharp(gainMap.image).greyscale().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

async function scaledMapOf(bytes: Bytes, width: number, height: number): Promise<Buffer> {
  const { gainMap } = await sharp(bytes).metadata();
  return sharp(gainMap?.image).resize(width, height, { fit: 'fill' }).greyscale().raw().toBuffer();
}

async function sizeOf(bytes: Bytes | undefined) {
  const { width, height } = await sharp(bytes).metadata();
  return { width, height };
}

function meanDifference(one: Uint8Array, other: Uint8Array): number {
  expect(one.length).toBe(other.length);
  return one.reduce((sum, value, at) => sum + Math.abs(value - (other[at] ?? 255)), 0) / one.length;
}
