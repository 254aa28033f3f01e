import fc from 'fast-check';
import { u16le, u24le, u32le } from '../containers/numbers.ts';
import { webp, webpHeader, webpPicture } from '../containers/webp.ts';
import { anyProfile, filesOf, type Ingredients } from './ingredients.ts';
import { anyBytes, anyNumber, anySide, type Edit, editsOf, type Part, part } from './parts.ts';
import { anyExif } from './tiff.ts';

/** WebPs of chunks (RFC 9649): headers, alpha, pictures and frames, with chunks within frames, in any number and order. */
export function webps({ good, profiles }: Ingredients): fc.Arbitrary<readonly [Edit, Buffer]> {
  const pictures = filesOf(good, '.webp').map((file) => Buffer.from(webpPicture(file)));
  const side = anySide.map((value) => Math.max(1, value % 16_384));
  const still = fc.oneof(
    fc
      .tuple(side, side, fc.nat(255))
      .map(([width, height, flags]) => part('VP8X', webpHeader(flags, width, height).subarray(8))),
    fc.tuple(fc.nat(3), anyBytes(300)).map(([flags, alpha]) => part('ALPH', Buffer.from([flags]), alpha)),
    fc
      .tuple(side, side, anyBytes(300))
      .map(([width, height, data]) =>
        part('VP8L', Buffer.from([0x2f]), u32le((height - 1) * 2 ** 14 + width - 1), data),
      ),
    fc
      .tuple(side, side, anyBytes(300))
      .map(([width, height, data]) =>
        part('VP8 ', Buffer.from('3001009d012a', 'hex'), u16le(width), u16le(height), data),
      ),
    anyProfile(profiles).map((profile) => part('ICCP', profile)),
    anyExif.map((exif) => part('EXIF', exif)),
    anyBytes(300).map((text) => part('XMP ', text)),
    fc.tuple(fc.constantFrom('JUNK', 'ANIM', 'FRGM'), anyBytes(30)).map(([type, body]) => part(type, body)),
  );
  const frame = fc
    .tuple(
      side,
      side,
      anyNumber,
      fc.nat(3),
      fc.oneof(
        pictures,
        still.map((each) => written([each]).subarray(12)),
      ),
    )
    .map(([width, height, offset, flags, content]) =>
      part(
        'ANMF',
        u24le(offset % 2 ** 24),
        u24le(0),
        u24le(width - 1),
        u24le(height - 1),
        u24le(100),
        Buffer.from([flags]),
        content,
      ),
    );
  return fc
    .tuple(filesOf(good, '.webp'), editsOf(fc.oneof({ weight: 3, arbitrary: still }, frame)))
    .map(([base, edit]) => [edit, written(edit.apply(chunks(base)))]);
}

function chunks(file: Buffer): Part[] {
  const found: Part[] = [];
  for (let at = 12; at + 8 <= file.length; ) {
    const length = file.readUInt32LE(at + 4);
    found.push(part(file.toString('latin1', at, at + 4), file.subarray(at + 8, at + 8 + length)));
    at += 8 + length + (length % 2);
  }
  return found;
}

function written(parts: readonly Part[]): Buffer {
  return webp(
    parts.map(({ type, body, claims = body.length, tail = Buffer.alloc(0) }) =>
      Buffer.concat([Buffer.from(type), u32le(claims), body, Buffer.alloc(body.length % 2), tail]),
    ),
  );
}
