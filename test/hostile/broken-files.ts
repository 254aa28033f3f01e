import fc from 'fast-check';
import type { Maker } from './hostile-file.ts';
import { partsOf } from './parts.ts';

// Of WebP and AVIF, the longest.
const SIGNATURE_LENGTH = 12;

/**
 * Damages good files: truncated, bits flipped, overwritten, spliced, bytes removed.
 *
 * @param names the files to damage; the others only provide what is spliced in
 */
export function brokenFiles(
  good: ReadonlyMap<string, Buffer>,
  seed: number,
  count: number,
  names: readonly string[] = [...good.keys()],
): readonly Maker[] {
  // Behind the signature: without it, no decoder sees the file.
  const at = (share: number, bytes: Buffer) => SIGNATURE_LENGTH + Math.floor(share * (bytes.length - SIGNATURE_LENGTH));
  // 0 ≤ share < 1, denser at the head, where damage matters most.
  const share = fc
    .tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.boolean())
    .map(([s, head]) => (head ? s ** 2 : s));
  const damage = fc.oneof(
    share.map((cut) => ['truncated', (bytes: Buffer) => bytes.subarray(0, at(cut, bytes))] as const),
    fc.array(fc.tuple(share, fc.nat(7)), { minLength: 1, maxLength: 30 }).map(
      (flips) =>
        [
          'flipped',
          (bytes: Buffer) => {
            const copy = Buffer.from(bytes);
            for (const [where, bit] of flips)
              copy.writeUInt8(copy.readUInt8(at(where, copy)) ^ (1 << bit), at(where, copy));
            return copy;
          },
        ] as const,
    ),
    fc.tuple(share, fc.uint8Array({ minLength: 1, maxLength: 64 })).map(
      ([where, noise]) =>
        [
          'overwritten',
          (bytes: Buffer) => {
            const copy = Buffer.from(bytes);
            copy.set(noise.subarray(0, copy.length - at(where, copy)), at(where, copy));
            return copy;
          },
        ] as const,
    ),
    fc.tuple(share, share, fc.constantFrom(...good.keys())).map(
      ([from, to, other]) =>
        [
          'spliced',
          (bytes: Buffer) => {
            const tail = good.get(other) ?? bytes;
            return Buffer.concat([bytes.subarray(0, at(from, bytes)), tail.subarray(at(to, tail))]);
          },
        ] as const,
    ),
    fc
      .tuple(share, fc.integer({ min: 1, max: 4096 }))
      .map(
        ([where, length]) =>
          [
            'shortened',
            (bytes: Buffer) =>
              Buffer.concat([bytes.subarray(0, at(where, bytes)), bytes.subarray(at(where, bytes) + length)]),
          ] as const,
      ),
  );
  return fc
    .sample(fc.tuple(fc.constantFrom(...names), damage), { seed, numRuns: count })
    .map(([name, [what, act]]): Maker => [`${what} ${name}`, async () => act(good.get(name) ?? Buffer.alloc(0))]);
}

/** Truncates good files at the start of every part. */
export function truncatedAtParts(good: ReadonlyMap<string, Buffer>): readonly Maker[] {
  return [...good].flatMap(([name, bytes]) =>
    partsOf(bytes).map((end): Maker => [`truncated at ${end} ${name}`, async () => bytes.subarray(0, end)]),
  );
}
