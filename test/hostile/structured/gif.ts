import fc from 'fast-check';
import { u16le } from '../containers/numbers.ts';
import { filesOf, type Ingredients } from './ingredients.ts';
import { anyBytes, anyNumber, anySide, type Edit, editsOf, type Part, part } from './parts.ts';

/** GIFs of blocks (GIF89a): screens, extensions, frames and their sub-blocks in any number, order and length. */
export function gifs({ good }: Ingredients): fc.Arbitrary<readonly [Edit, Buffer]> {
  // The codes of LZW: noise, and the same code again and again, which clears the table or lets it grow.
  const codes = fc.oneof(
    anyBytes(400),
    fc.tuple(fc.nat(20_000), fc.nat(255)).map(([length, value]) => Buffer.alloc(length, value)),
  );
  const data = fc
    .tuple(fc.nat(12), codes, fc.constantFrom(1, 2, 17, 255))
    .map(([bits, bytes, each]) => [Buffer.from([bits]), ...inSubBlocks(bytes, each)]);
  const table = (flags: number) => Buffer.alloc(flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0, 0x77);
  const block = fc.oneof(
    fc
      .tuple(anySide, anySide, anyNumber, fc.nat(255), data)
      .map(([width, height, left, flags, coded]) =>
        part(
          '2c',
          ...[left, 0, width, height].map((value) => u16le(value % 65_536)),
          Buffer.from([flags]),
          table(flags),
          ...coded,
        ),
      ),
    fc
      .tuple(fc.nat(255), anyNumber, fc.nat(255))
      .map(([flags, delay, clear]) =>
        part('21', Buffer.from([0xf9, 4, flags]), u16le(delay % 65_536), Buffer.from([clear, 0])),
      ),
    anyNumber.map((loops) =>
      part('21', Buffer.from('\xff\x0bNETSCAPE2.0\x03\x01', 'latin1'), u16le(loops % 65_536), Buffer.from([0])),
    ),
    fc
      .tuple(fc.constantFrom(0xfe, 0x01, 0xff, 0x99), anyBytes(600), fc.constantFrom(1, 255))
      .map(([label, bytes, each]) => part('21', Buffer.from([label]), ...inSubBlocks(bytes, each))),
    fc.constantFrom('3b', '00', '99').map((type) => part(type)),
  );
  return fc
    .tuple(filesOf(good, '.gif'), editsOf(block))
    .map(([base, edit]) => [edit, written(edit.apply(blocks(base)))]);
}

function inSubBlocks(bytes: Buffer, each: number): Buffer[] {
  const all = Array.from({ length: Math.ceil(bytes.length / each) }, (_, index) => {
    const data = bytes.subarray(index * each, (index + 1) * each);
    return Buffer.concat([Buffer.from([data.length]), data]);
  });
  return [...all, Buffer.from([0])];
}

/** The first part is the logical screen with its table, whose type is the signature. */
function blocks(gif: Buffer): Part[] {
  const byteAt = (at: number) => gif[at] ?? 0;
  const tableLength = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  const headEnd = 13 + tableLength(byteAt(10));
  const found: Part[] = [part('474946383961', gif.subarray(6, headEnd))];
  for (let at = headEnd; at < gif.length; ) {
    const type = gif.toString('hex', at, at + 1);
    let end = at + 1;
    if (type !== '3b') {
      end = at + (type === '2c' ? 11 + tableLength(byteAt(at + 9)) : 2);
      while (byteAt(end) > 0) end += byteAt(end) + 1;
      end += 1;
    }
    found.push(part(type, gif.subarray(at + 1, end)));
    at = end;
  }
  return found;
}

function written(parts: readonly Part[]): Buffer {
  const all = parts.flatMap(({ type, body, claims, tail = Buffer.alloc(0) }) => [
    Buffer.from(type, 'hex'),
    // Only sub-blocks have lengths: the first of an extension is its third byte.
    claims !== undefined && body.length > 1
      ? Buffer.concat([body.subarray(0, 1), Buffer.from([claims % 256]), body.subarray(2)])
      : body,
    tail,
  ]);
  const file = Buffer.concat(all);
  return file.toString('latin1', 0, 3) === 'GIF' ? file : Buffer.concat([Buffer.from('GIF89a'), file]);
}
