import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { u16be, u32be } from '../containers/numbers.ts';
import { anyProfile, deflated, filesOf, type Ingredients } from './ingredients.ts';
import { anyBytes, anyNumber, anySide, type Edit, editsOf, type Part, part } from './parts.ts';
import { anyExif } from './tiff.ts';

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** PNGs of chunks (PNG 3rd edition, 11): headers, texts, profiles, frames and data in any number and order. */
export function pngs({ good, profiles }: Ingredients): fc.Arbitrary<readonly [Edit, Buffer]> {
  const small = fc.constantFrom(0, 1, 2, 3, 4, 6, 8, 16);
  const chunk = fc.oneof(
    fc
      .tuple(anySide, anySide, small, small, fc.nat(2))
      .map(([width, height, bits, colours, interlace]) =>
        part('IHDR', u32be(width), u32be(height), Buffer.from([bits, colours, 0, 0, interlace])),
      ),
    deflated.map((data) => part('IDAT', data)),
    deflated.map((data) => part('zTXt', Buffer.from('Comment\0\0'), data)),
    deflated.map((data) => part('iTXt', Buffer.from('Comment\0\x01\0en\0\0', 'latin1'), data)),
    anyProfile(profiles).map((profile) => part('iCCP', Buffer.from('profile\0\0'), deflateSync(profile))),
    anyExif.map((exif) => part('eXIf', exif)),
    fc.tuple(anyNumber, anyNumber).map(([frames, plays]) => part('acTL', u32be(frames), u32be(plays))),
    fc
      .tuple(anyNumber, anySide, anySide, anyNumber, fc.nat(3))
      .map(([sequence, width, height, offset, dispose]) =>
        part('fcTL', ...[sequence, width, height, offset, 0].map(u32be), u16be(1), u16be(0), Buffer.from([dispose, 1])),
      ),
    fc.tuple(anyNumber, deflated).map(([sequence, data]) => part('fdAT', u32be(sequence), data)),
    fc
      .tuple(
        fc.constantFrom('PLTE', 'tRNS', 'sBIT', 'bKGD', 'hIST', 'gAMA', 'cHRM', 'pHYs', 'sPLT', 'tEXt'),
        anyBytes(800),
      )
      .map(([type, body]) => part(type, body)),
    fc
      .tuple(fc.constantFrom('ABCD', 'abCd', 'IEND', 'cICP', 'mDCV'), anyBytes(40))
      .map(([type, body]) => part(type, body)),
  );
  return fc
    .tuple(filesOf(good, '.png'), editsOf(chunk))
    .map(([base, edit]) => [edit, written(edit.apply(chunks(base)))]);
}

function chunks(png: Buffer): Part[] {
  const found: Part[] = [];
  for (let at = 8; at + 8 <= png.length; ) {
    const end = at + 8 + png.readUInt32BE(at);
    found.push(part(png.toString('latin1', at + 4, at + 8), png.subarray(at + 8, end)));
    at = end + 4;
  }
  return found;
}

/** With true checksums: a decoder ignores or refuses what has a false one. */
function written(parts: readonly Part[]): Buffer {
  const all = parts.map(({ type, body, claims = body.length, tail = Buffer.alloc(0) }) => {
    const content = Buffer.concat([Buffer.from(type), body]);
    return Buffer.concat([u32be(claims), content, u32be(crc32(content)), tail]);
  });
  return Buffer.concat([SIGNATURE, ...all]);
}
