import { u16le, u32le } from './numbers.ts';

export interface BitmapFields {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  /** 0 plain, 1 and 2 run lengths of 8 and 4 bits, 3 and 6 bit fields, 4 JPEG, 5 PNG. */
  readonly compression?: number;
  /** Length of the header. */
  readonly version?: number;
  readonly colours?: number;
  readonly masks?: readonly number[];
  /** Between the header and the profile, which is at the end. */
  readonly profile?: { readonly after: number; readonly length: number };
}

/** The header of a bitmap (BITMAPINFOHEADER and its newer and older versions). */
export function bitmapHeaderOf(fields: BitmapFields): Buffer {
  const { width, height, bits, compression = 0, version = 40, colours = 0, masks = [], profile } = fields;
  const [w, h] = [u32le(width >>> 0), u32le(height >>> 0)];
  if (version === 12) {
    return Buffer.concat([u32le(12), ...[width, height, 1, bits].map((value) => u16le(value & 0xffff))]);
  }
  const numbers = [compression, 0, 2_835, 2_835, colours, 0].map(u32le);
  const head = Buffer.concat([u32le(version), w, h, u16le(1), u16le(bits), ...numbers, ...masks.map(u32le)]);
  if (version <= 40) return version < 40 ? head.subarray(0, version) : head;
  const long = Buffer.concat([head, Buffer.alloc(Math.max(0, version - head.length))]).subarray(0, version);
  if (profile !== undefined && version === 124) {
    long.write('DEBM', 56, 'latin1');
    long.writeUInt32LE(version + profile.after, 112);
    long.writeUInt32LE(profile.length, 116);
  }
  return long;
}

/** A BMP of a header and what follows it, with its pixels so many bytes behind the header. */
export function bmpOf(header: Buffer, rest: Buffer, pixelsBehind: number): Buffer {
  const length = 14 + header.length + rest.length;
  return Buffer.concat([
    ...[Buffer.from('BM'), u32le(length), u32le(0), u32le(14 + header.length + pixelsBehind)],
    ...[header, rest],
  ]);
}

export interface Icon {
  readonly bytes: Buffer;
  readonly width?: number;
  readonly height?: number;
  readonly at?: number;
  readonly length?: number;
}

export function icoOf(icons: readonly Icon[], count = icons.length): Buffer {
  let at = 6 + 16 * icons.length;
  const entries = icons.map((icon) => {
    const { bytes, width = 0, height = 0, length = bytes.length } = icon;
    const entry = Buffer.concat([
      ...[Buffer.from([width & 255, height & 255, 0, 0]), u16le(1), u16le(32), u32le(length >>> 0)],
      u32le((icon.at ?? at) >>> 0),
    ]);
    at += bytes.length;
    return entry;
  });
  return Buffer.concat([
    ...[u16le(0), u16le(1), u16le(count & 0xffff), ...entries],
    ...icons.map(({ bytes }) => bytes),
  ]);
}
