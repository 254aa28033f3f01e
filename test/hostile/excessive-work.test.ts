import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { largestDecodedSize } from '../../adapters/sharp/heif-sizes.ts';
import { heifWork } from '../../adapters/sharp/heif-work.ts';
import { profileWork } from '../../adapters/sharp/icc-profile.ts';
import { hasTooManySegments, scannedPixels } from '../../adapters/sharp/jpeg-segments.ts';
import { pngWork } from '../../adapters/sharp/png-chunks.ts';
import { tiffPicture } from '../../adapters/sharp/tiff-picture.ts';
import { tiffWork } from '../../adapters/sharp/tiff-work.ts';
import { countFrames } from '../../adapters/sharp/webp-frames.ts';
import { defaultLimits } from '../../core/limits.ts';
import { inputFormats } from '../../core/metadata.ts';
import { avif, avifItems, ispe } from './containers/avif.ts';
import { flat } from './containers/flat.ts';
import { repeated } from './containers/numbers.ts';
import { tiffOfPages } from './containers/tiff.ts';
import { ambiguousWork, excessiveWork, wideCanvases } from './excessive-work.ts';
import type { Maker } from './hostile-file.ts';
import { ingredients } from './structured/ingredients.ts';
import { structuredFiles } from './structured-files.ts';
import { judge } from './workers.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const { work } = defaultLimits;
const picture = { type: 'av01', data: Buffer.alloc(50), properties: [ispe(10, 10)] };
const fixture = (name: string) => readFileSync(new URL(`../fixtures/slow-and-heavy/${name}`, import.meta.url));

describe('a small file that requests excessive work', () => {
  it.each(excessiveWork(20261129, 1))('is rejected before it is decoded: %s', async (_, make) => {
    expect(await judge(await make())).toMatchObject({ outcome: 'rejected too-complex', defects: [] });
  });

  it.each(ambiguousWork(20261129, 1))('that a decoder may read differently is rejected: %s', async (_, make) => {
    expect(await judge(await make())).toMatchObject({ outcome: 'rejected corrupt', defects: [] });
  });

  it.each(wideCanvases(20261129, 1))('counts as large as the canvas of its image: %s', async (_, make) => {
    expect(await judge(await make())).toMatchObject({ outcome: 'rejected too-many-pixels', defects: [] });
  });

  it('that only looks like one is processed: an AVIF padded with zeros', async () => {
    const [item] = avifItems(await flat(64).avif().toBuffer());
    const data = Buffer.concat([item?.data ?? Buffer.alloc(0), Buffer.alloc(9)]);
    const padded = avif([{ type: 'av01', data, properties: [ispe(64, 64), ...(item?.properties ?? [])] }]);
    expect(await judge(padded)).toMatchObject({ outcome: 'processed', defects: [] });
  });

  it.each([
    ['irot-60.avif', 'rejected too-complex'],
    ['frames-130.avif', 'rejected too-complex'],
    ['x-icc-mpet-35000.png', 'rejected too-complex'],
    ['grey-plus-two.tiff', 'processed'],
    ['rgb-plus-alpha-and-mask.tiff', 'processed'],
    ['out-of-memory-tag.tiff', 'processed'],
  ])('seen in a security review: %s ends %s', async (name, outcome) => {
    expect(await judge(fixture(name))).toMatchObject({ outcome, defects: [] });
  });
});

describe('what reads a file before its decoder', () => {
  const readers: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
    heifWork,
    largestDecodedSize,
    tiffWork,
    hasTooManySegments,
    scannedPixels,
    countFrames: (bytes) => countFrames(bytes, defaultLimits.frames),
    tiffPicture: (bytes) => tiffPicture(new Uint8Array(bytes)),
    pngWork: (bytes) => pngWork(bytes, work),
    profileWork: (bytes) => profileWork(bytes, work),
  };
  const numbers = ['getUint8', 'getUint16', 'getUint32', 'getBigUint64'] as const;
  const all = (seed: number) => [excessiveWork, ambiguousWork, wideCanvases].flatMap((kinds) => kinds(seed, 1));
  let files: readonly Buffer[];

  beforeAll(async () => {
    const excessive = await Promise.all(all(7).map(([, make]) => make()));
    const made = await ingredients();
    const good = [...made.good.values()];
    const structured = inputFormats.flatMap((format) => structuredFiles(format, made, { seed: 7, count: 60 }));
    const bytesOf = ([, make]: Maker) => make();
    files = [...good, ...excessive, tiffOfPages(300), ...(await Promise.all(structured.map(bytesOf)))].filter(
      ({ length }) => length < 8_000,
    );
  });

  /** Numbers read by all readers: a measure that does not depend on the machine. */
  function stepsOver(bytes: Uint8Array): number {
    let steps = 0;
    const counted: ProxyHandler<(typeof DataView.prototype)[(typeof numbers)[number]]> = {
      apply(read, view, where) {
        steps += 1;
        return Reflect.apply(read, view, where);
      },
    };
    const originals = numbers.map((number) => [number, DataView.prototype[number]] as const);
    for (const [number, read] of originals) Reflect.set(DataView.prototype, number, new Proxy(read, counted));
    try {
      for (const read of Object.values(readers)) read(bytes);
    } finally {
      for (const [number, read] of originals) Reflect.set(DataView.prototype, number, read);
    }
    return steps;
  }

  // Each number that matters to a decoder: none, one, many, and more than there can be.
  const value = fc.constantFrom(0, 1, 2, 8, 255, 4_096, 65_535, 1_000_000, 2 ** 31, 2 ** 32 - 1);
  const change = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(1, 2, 4), value, fc.boolean());

  it('never throws, and takes steps in proportion to the file, however it is damaged', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(change, { maxLength: 12 }),
        fc.double({ min: 0.2, max: 1 }),
        (which, changes, share) => {
          const file = files[which % files.length] ?? Buffer.alloc(0);
          const copy = Buffer.from(file.subarray(0, Math.ceil(file.length * share)));
          for (const [where, length, number, atHead] of changes) {
            const at = Math.floor(where * Math.min(copy.length - length, atHead ? 400 : copy.length));
            if (at >= 0) copy.writeUIntBE(number % 256 ** length, at, length);
          }
          expect(stepsOver(copy)).toBeLessThan(8 * copy.length + 10_000);
        },
      ),
      { numRuns: 1_500, seed: 20261129 },
    );
  });

  it.each([
    ['directories within each other', overlappingDirectories(1_000)],
    ['a directory that follows itself', tiffOfPages(1).fill(Buffer.from([24, 0, 0, 0]), 24 + 2 + 12 * 9)],
    ['items with extents that take no bytes', itemsWithoutBytes(2_000)],
    ['an image that is derived from itself', avif([{ ...picture, refers: { as: 'dimg', to: [1, 1, 1, 1, 1] } }])],
    ['boxes of length zero', repeated(Buffer.from('0000000066726565', 'hex'), 2_000)],
  ])('takes steps in proportion to the file for %s', (_, bytes) => {
    expect(stepsOver(bytes)).toBeLessThan(8 * bytes.length + 10_000);
  });
});

/** Each begins fourteen bytes behind the one before, and overlaps those that follow. */
function overlappingDirectories(count: number): Buffer {
  const bytes = Buffer.alloc(14 * count + 24_000, 0xff);
  Buffer.from('II*\0\x08\0\0\0', 'latin1').copy(bytes);
  for (let index = 0; index < count; index += 1) bytes.writeUInt16LE(2_000, 8 + 14 * index);
  for (let index = 0; index < count; index += 1) {
    const next = 8 + 14 * index + 2 + 12 * 2_000;
    if (next + 4 <= bytes.length) bytes.writeUInt32LE(8 + 14 * (index + 1), next);
  }
  return bytes;
}

function itemsWithoutBytes(count: number): Buffer {
  const items = Array.from({ length: count }, (_, index) => Buffer.from([0, index & 255, 0, 0, 255, 255]));
  const head = (length: number, type: string, body: string) => {
    const box = Buffer.alloc(8);
    box.writeUInt32BE(8 + body.length / 2 + length);
    box.write(type, 4);
    return Buffer.concat([box, Buffer.from(body, 'hex')]);
  };
  const places = Buffer.concat([head(6 * count, 'iloc', '000000000000ffff'), ...items]);
  return Buffer.concat([head(places.length, 'meta', '00000000'), places]);
}
