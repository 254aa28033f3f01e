import { repeated, u24le, u32le } from './numbers.ts';

export function webpChunk(type: string, data: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), u32le(data.length), data, Buffer.alloc(data.length % 2)]);
}

export function webp(chunks: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from('WEBP'), ...chunks]);
  return Buffer.concat([Buffer.from('RIFF'), u32le(body.length), body]);
}

/** Flags: 2 animation, 4 XMP, 8 EXIF, 16 alpha, 32 profile. */
export function webpHeader(flags: number, width: number, height: number): Buffer {
  return webpChunk('VP8X', Buffer.concat([u32le(flags), u24le(width - 1), u24le(height - 1)]));
}

/** The coded image of a simple file, without its container. */
export function webpPicture(file: Buffer): Buffer {
  return file.subarray(12);
}

/** One frame, many times. */
export function webpOfFrames(frame: Buffer, frameSide: number, count: number, canvasSide = frameSide): Buffer {
  const place = Buffer.concat([
    Buffer.alloc(6),
    u24le(frameSide - 1),
    u24le(frameSide - 1),
    u24le(100),
    Buffer.from([0]),
  ]);
  return webp([
    webpHeader(2 | 16, canvasSide, canvasSide),
    webpChunk('ANIM', Buffer.from('ffffffff0000', 'hex')),
    repeated(webpChunk('ANMF', Buffer.concat([place, frame])), count),
  ]);
}
