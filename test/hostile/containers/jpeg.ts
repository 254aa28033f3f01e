import { u16be } from './numbers.ts';

export function jpegSegment(marker: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0xff, marker]), u16be(body.length + 2), body]);
}

export function jpegWith(jpeg: Buffer, segments: Buffer): Buffer {
  return Buffer.concat([jpeg.subarray(0, 2), segments, jpeg.subarray(2)]);
}

/**
 * An all-grey image with each coefficient in its own scan and refined bit by bit, as the standard allows. Empty blocks take
 * one bit each in a DC scan, and two bytes per run of 32,767 in an AC scan.
 */
export function jpegOfScans(side: number, scans: number): Buffer {
  const blocks = Math.ceil(side / 8) ** 2;
  const oneCode = (tableClass: number, value: number) =>
    jpegSegment(0xc4, Buffer.from([tableClass << 4, 1, ...Array(15).fill(0), value]));
  const frame = [Buffer.from([8]), u16be(side), u16be(side), Buffer.from([1, 1, 0x11, 0])];
  const scan = (first: number, last: number, bits: number, data: Buffer) =>
    Buffer.concat([jpegSegment(0xda, Buffer.from([1, 1, 0, first, last, bits])), data]);
  // The only code, 0, means 2¹⁴ empty blocks plus the number in the next 14 bits: 15 bits in total.
  const run = 2 ** 15 - 1;
  const runs = Math.ceil(blocks / run);
  const empty = Buffer.alloc(Math.ceil((runs * 15) / 8));
  for (let bit = 0; bit < runs * 15; bit += 1) {
    if (bit % 15 === 0) continue;
    const byte = Math.floor(bit / 8);
    empty[byte] = (empty[byte] ?? 0) | (0x80 >> (bit % 8));
  }
  const stuffed = Buffer.from([...empty].flatMap((byte) => (byte === 0xff ? [0xff, 0] : [byte])));
  const refinements = Array.from({ length: scans - 1 }, (_, index) => {
    const [coefficient, bit] = [1 + (Math.floor(index / 13) % 63), 13 - (index % 13)];
    return scan(coefficient, coefficient, bit === 13 ? bit : ((bit + 1) << 4) | bit, stuffed);
  });
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    jpegSegment(0xdb, Buffer.from([0, ...Array(64).fill(1)])),
    jpegSegment(0xc2, Buffer.concat(frame)),
    oneCode(0, 0),
    scan(0, 0, 0, Buffer.alloc(Math.ceil(blocks / 8))),
    oneCode(1, 0xe0),
    ...refinements,
    Buffer.from([0xff, 0xd9]),
  ]);
}

/** Three components, each in a scan of its own that repeats the scan of a grey JPEG in one pass. */
export function jpegOfPlanes(grey: Buffer): Buffer {
  const placeOf = (marker: number) => grey.lastIndexOf(Buffer.from([0xff, marker]));
  const [frame, scan, end] = [placeOf(0xc0), placeOf(0xda), placeOf(0xd9)];
  const data = grey.subarray(scan + 10, end);
  const ids = [1, 2, 3];
  const bitsAndSize = grey.subarray(frame + 4, frame + 9);
  const components = ids.flatMap((id) => [id, 0x11, 0]);
  return Buffer.concat([
    grey.subarray(0, frame),
    jpegSegment(0xc0, Buffer.concat([bitsAndSize, Buffer.from([ids.length, ...components])])),
    grey.subarray(frame + 13, scan),
    ...ids.flatMap((id) => [jpegSegment(0xda, Buffer.from([1, id, 0, 0, 63, 0])), data]),
    grey.subarray(end),
  ]);
}

/**
 * Of one channel in arithmetic coding: all coefficients in each scan, refined bit by bit. There are no data: the decoder
 * takes zeros for them, which it decodes to the end.
 */
export function arithmeticJpegOfScans(side: number, scans: number): Buffer {
  const frame = [Buffer.from([8]), u16be(side), u16be(side), Buffer.from([1, 1, 0x11, 0])];
  const scan = (first: number, last: number, bits: number) =>
    Buffer.concat([jpegSegment(0xda, Buffer.from([1, 1, 0, first, last, bits])), Buffer.from([0x55, 0xaa])]);
  const refinements = Array.from({ length: scans - 1 }, (_, index) => {
    const bit = 13 - index;
    return scan(1, 63, bit === 13 ? bit : ((bit + 1) << 4) | bit);
  });
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    jpegSegment(0xdb, Buffer.from([0, ...Array(64).fill(1)])),
    jpegSegment(0xca, Buffer.concat(frame)),
    scan(0, 0, 0),
    ...refinements,
    Buffer.from([0xff, 0xd9]),
  ]);
}
