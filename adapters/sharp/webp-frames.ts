/** Counts the frames of an animated WebP (RFC 9649), up to `max + 1`. libwebp's own count takes quadratic time. */
export function countFrames(bytes: Uint8Array, max: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let frames = 0;
  for (let at = 12; at + 8 <= bytes.length && frames <= max; ) {
    if (view.getUint32(at) === ANMF) frames += 1;
    const length = view.getUint32(at + 4, true);
    at += 8 + length + (length % 2);
  }
  return frames;
}

const ANMF = 0x414e4d46;
