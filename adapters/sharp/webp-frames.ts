/** The frames of an animated WebP (RFC 9649), counted no further than `most + 1`: libwebp takes the square of their number to count them. */
export function countFrames(bytes: Uint8Array, most: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let frames = 0;
  for (let at = 12; at + 8 <= bytes.length && frames <= most; ) {
    if (view.getUint32(at) === ANMF) frames += 1;
    const length = view.getUint32(at + 4, true);
    at += 8 + length + (length % 2);
  }
  return frames;
}

const ANMF = 0x414e4d46;
