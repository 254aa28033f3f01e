import { crc32 } from 'node:zlib';
import { u32be } from './numbers.ts';

export function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  return Buffer.concat([u32be(data.length), body, u32be(crc32(body))]);
}

/** Inserts a chunk after the header, where colours and texts belong. */
export function pngWith(png: Buffer, chunks: Buffer): Buffer {
  return Buffer.concat([png.subarray(0, 33), chunks, png.subarray(33)]);
}
