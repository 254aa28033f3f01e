/** Numbers in the byte orders of files. */

export const u16be = (value: number) => number(2, (buffer) => buffer.writeUInt16BE(value));
export const u32be = (value: number) => number(4, (buffer) => buffer.writeUInt32BE(value));
export const u16le = (value: number) => number(2, (buffer) => buffer.writeUInt16LE(value));
export const u24le = (value: number) => number(3, (buffer) => buffer.writeUIntLE(value, 0, 3));
export const u32le = (value: number) => number(4, (buffer) => buffer.writeUInt32LE(value));

function number(length: number, write: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(length);
  write(buffer);
  return buffer;
}

/** A copy with some bytes replaced. */
export function patched(bytes: Buffer, at: number, value: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  value.copy(copy, at);
  return copy;
}

export function repeated(bytes: Buffer, times: number): Buffer {
  return Buffer.alloc(bytes.length * times, bytes);
}
