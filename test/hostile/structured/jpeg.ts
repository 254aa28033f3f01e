import fc from 'fast-check';
import { u16be, u32be } from '../containers/numbers.ts';
import { anyProfile, filesOf, type Ingredients } from './ingredients.ts';
import { anyBytes, anyNumber, anySide, type Edit, editsOf, type Part, part } from './parts.ts';
import { anyExif } from './tiff.ts';

/** JPEGs of segments (ITU-T T.81, annex B): frames, tables, scans, EXIF and profiles in any number and order. */
export function jpegs({ good, profiles }: Ingredients): fc.Arbitrary<readonly [Edit, Buffer]> {
  const byte = fc.nat(255);
  const components = fc.array(fc.tuple(fc.nat(4), fc.constantFrom(0x11, 0x21, 0x22, 0x41, 0x44, 0), fc.nat(3)), {
    maxLength: 5,
  });
  const segment = fc.oneof(
    fc
      .tuple(
        fc.constantFrom('c0', 'c1', 'c2', 'c3', 'c9', 'ca', 'cf'),
        fc.constantFrom(8, 12),
        anySide,
        anySide,
        components,
      )
      .map(([type, bits, width, height, each]) =>
        part(
          type,
          Buffer.from([bits]),
          u16be(height % 65_536),
          u16be(width % 65_536),
          Buffer.from([each.length, ...each.flat()]),
        ),
      ),
    fc.tuple(components, fc.nat(63), fc.nat(63), byte, anyBytes(400)).map(
      ([each, first, last, bits, tail]): Part => ({
        ...part('da', Buffer.from([each.length, ...each.flatMap(([id, , table]) => [id, table]), first, last, bits])),
        tail: Buffer.from([...tail].flatMap((value) => (value === 0xff ? [value, 0] : [value]))),
      }),
    ),
    fc
      .tuple(fc.constantFrom(0, 1, 0x10, 0x11), fc.array(fc.nat(20), { minLength: 16, maxLength: 16 }), anyBytes(260))
      .map(([table, counts, values]) => part('c4', Buffer.from([table, ...counts]), values)),
    fc.tuple(byte, anyBytes(130)).map(([table, values]) => part('db', Buffer.from([table]), values)),
    anyNumber.map((interval) => part('dd', u16be(interval % 65_536))),
    anyNumber.map((height) => part('dc', u16be(height % 65_536))),
    anyExif.map((exif) => part('e1', Buffer.from('Exif\0\0'), exif)),
    anyExif.map((index) => part('e2', Buffer.from('MPF\0'), index)),
    fc
      .tuple(byte, byte, anyProfile(profiles))
      .map(([index, count, profile]) =>
        part('e2', Buffer.from('ICC_PROFILE\0'), Buffer.from([index, count]), profile.subarray(0, 65_000)),
      ),
    byte.map((transform) => part('ee', Buffer.from('Adobe'), u16be(100), u32be(0), Buffer.from([transform]))),
    fc
      .tuple(byte, byte)
      .map(([x, y]) => part('e0', Buffer.from('JFIF\0\x01\x02\0\0\x01\0\x01'), Buffer.from([x, y]), Buffer.alloc(300))),
    anyBytes(300).map((text) => part('fe', text)),
    fc.constantFrom('d8', 'd9', '01', 'd0').map((type) => part(type)),
  );
  return fc
    .tuple(filesOf(good, '.jpg'), editsOf(segment))
    .map(([base, edit]) => [edit, written(edit.apply(segments(base)))]);
}

const withoutLength = /^(01|d[0-9])$/;

function segments(jpeg: Buffer): Part[] {
  const found: Part[] = [];
  for (let at = 2; at + 2 <= jpeg.length; ) {
    const type = jpeg.toString('hex', at + 1, at + 2);
    const end = withoutLength.test(type) ? at + 2 : at + 2 + jpeg.readUInt16BE(at + 2);
    const next = markerAt(jpeg, end);
    found.push({ type, body: jpeg.subarray(at + 4, end), tail: jpeg.subarray(end, next) });
    at = next;
  }
  return found;
}

function markerAt(jpeg: Buffer, from: number): number {
  for (let at = from; at + 1 < jpeg.length; at += 1) {
    if (jpeg[at] === 0xff && !/^(00|ff|d[0-7])$/.test(jpeg.toString('hex', at + 1, at + 2))) return at;
  }
  return jpeg.length;
}

function written(parts: readonly Part[]): Buffer {
  const all = parts.map(({ type, body, claims = body.length + 2, tail }) =>
    Buffer.concat([
      Buffer.from(`ff${type}`, 'hex'),
      ...(withoutLength.test(type) ? [] : [u16be(claims % 65_536), body]),
      tail ?? Buffer.alloc(0),
    ]),
  );
  // Begins with a marker that no edit removes, because everything else is rejected unread.
  return Buffer.concat([Buffer.from('ffd8', 'hex'), ...all]);
}
