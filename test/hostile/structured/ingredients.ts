import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { type AvifItem, avifItems, ispe } from '../containers/avif.ts';
import { flat, flatAndClear } from '../containers/flat.ts';
import { curvesOfSegments, identityMatrix, profileOfElements, tableOfInputs } from '../containers/icc.ts';
import { patched, u32be } from '../containers/numbers.ts';
import { fixture, goodFiles } from '../good-files.ts';
import { profileNamed } from '../profiles.ts';
import { anyNumber, share } from './parts.ts';

/** What files are made of that takes an encoder. */
export interface Ingredients {
  readonly good: ReadonlyMap<string, Buffer>;
  readonly profiles: readonly Buffer[];
  /** Coded images, the first of which has a size of 64 × 64. */
  readonly avifImages: readonly AvifItem[];
  /** Of 240 × 160. */
  readonly heicImages: readonly AvifItem[];
}

export async function ingredients(): Promise<Ingredients> {
  const coded = async (file: Promise<Buffer>, side: number) =>
    avifItems(await file).map(
      (item): AvifItem => ({ ...item, type: 'av01', properties: [ispe(side, side), ...item.properties] }),
    );
  return {
    good: await goodFiles(),
    profiles: await Promise.all(['srgb', 'p3', 'cmyk'].map(profileNamed)),
    avifImages: [
      ...(await coded(flat(64).avif({ effort: 0 }).toBuffer(), 64)),
      ...(await coded(flatAndClear(64).avif({ effort: 0, bitdepth: 12 }).toBuffer(), 64)),
      ...(await coded(flat(300).avif({ effort: 0, chromaSubsampling: '4:4:4' }).toBuffer(), 300)),
    ],
    heicImages: ['p3', 'clear-10-bit', 'no-chroma-subsampling'].flatMap((name) =>
      avifItems(fixture(`heic/${name}.heic`)).map(
        (item): AvifItem => ({ ...item, type: 'hvc1', properties: [ispe(240, 160), ...item.properties] }),
      ),
    ),
  };
}

/** Good files of one format. */
export function filesOf(good: ReadonlyMap<string, Buffer>, ...types: readonly string[]): fc.Arbitrary<Buffer> {
  return fc.constantFrom(
    ...[...good].flatMap(([name, bytes]) => (types.some((type) => name.endsWith(type)) ? [bytes] : [])),
  );
}

/** Of one value, which takes the fewest bytes, or of noise. */
export const deflated = fc
  .tuple(fc.oneof(fc.nat(2_000), fc.nat(2_000_000)), fc.nat(255))
  .map(([length, value]) => deflateSync(Buffer.alloc(length, value)));

/** ICC.1: a table of tags, each of which names its place, and elements that may share theirs. */
export function anyProfile(profiles: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const element = fc.oneof(
    fc.constant(identityMatrix),
    fc.integer({ min: 1, max: 9 }).map(tableOfInputs),
    fc.integer({ min: 1, max: 500 }).map(curvesOfSegments),
  );
  const inTable = fc.tuple(fc.nat(20), anyNumber).map(
    ([word, value]) =>
      (profile: Buffer) =>
        128 + 4 * word + 4 <= profile.length ? patched(profile, 128 + 4 * word, u32be(value)) : profile,
  );
  const onePlace = (profile: Buffer) => {
    const copy = Buffer.from(profile);
    const count = Math.min(copy.readUInt32BE(128), Math.floor((copy.length - 132) / 12));
    for (let tag = 1; tag < count; tag += 1) copy.copy(copy, 136 + 12 * tag, 136, 144);
    return copy;
  };
  return fc
    .tuple(
      fc.constantFrom(...profiles),
      fc.array(
        fc.oneof(
          inTable,
          fc.constant(onePlace),
          share.map(
            (keep) => (profile: Buffer) => profile.subarray(0, 140 + Math.floor(keep * (profile.length - 140))),
          ),
        ),
        { maxLength: 3 },
      ),
      fc.option(fc.tuple(fc.oneof(fc.nat(8), fc.nat(3_000)), element)),
    )
    .map(([base, edits, elements]) =>
      edits.reduce((profile, edit) => edit(profile), elements ? profileOfElements(base, ...elements) : base),
    );
}
