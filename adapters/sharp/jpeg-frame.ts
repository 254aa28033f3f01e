import type { Bytes } from '../../core/ports.ts';
import { joinBytes } from './join-bytes.ts';
import { isFrameHeader, segmentsOf, uint16 } from './jpeg-segments.ts';

const SOF0 = 0xc0;
const SOF1 = 0xc1;
const SOF2 = 0xc2;
const SOI_LENGTH = 2;

export interface JpegFrame {
  readonly width: number;
  readonly height: number;
  /** Of the kind that viewers show: Huffman-coded, with eight bits. The data of a sensor are lossless JPEGs. */
  readonly isPicture: boolean;
}

export function jpegFrame(bytes: Uint8Array): JpegFrame | undefined {
  for (const { marker, body } of segmentsOf(bytes)) {
    if (!isFrameHeader(marker)) continue;
    const isPicture = [SOF0, SOF1, SOF2].includes(marker) && body[0] === 8;
    return { width: uint16(body, 3), height: uint16(body, 1), isPicture };
  }
  return undefined;
}

/** A JPEG that tells viewers to turn it: a preview in a raw leaves that to the raw. */
export function withOrientation(jpeg: Bytes, orientation: number): Bytes {
  // Tag 0x0112, one SHORT.
  const entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
  const exif = [...Buffer.from('Exif\0\0MM\0*\0\0\0\x08\0\x01', 'latin1'), ...entry, 0, 0, 0, 0];
  const length = exif.length + 2;
  const segment = Uint8Array.from([0xff, 0xe1, 0, length, ...exif]);
  return joinBytes([jpeg.subarray(0, SOI_LENGTH), segment, jpeg.subarray(SOI_LENGTH)]);
}
