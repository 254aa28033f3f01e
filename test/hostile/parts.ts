/** The offsets of a file's parts: chunks, segments, blocks, boxes or directories, depending on the format. */

export function partsOf(bytes: Buffer): readonly number[] {
  const head = bytes.toString('latin1', 0, 16);
  if (head.startsWith('\x89PNG')) return pngParts(bytes);
  if (head.startsWith('\xff\xd8')) return jpegParts(bytes);
  if (head.startsWith('GIF8')) return gifParts(bytes);
  if (head.startsWith('RIFF')) return riffParts(bytes, 12, bytes.length);
  if (head.startsWith('II') || head.startsWith('MM')) return tiffParts(bytes);
  // Header and palette of a BMP, and the directory of an ICO and what it names.
  if (head.startsWith('BM')) return [14, 14 + bytes.readUInt32LE(14), bytes.readUInt32LE(10)];
  if (head.startsWith('\0\0\x01\0')) return icoParts(bytes);
  return boxParts(bytes, 0, bytes.length);
}

function icoParts(bytes: Buffer): number[] {
  const entries = Array.from({ length: bytes.readUInt16LE(4) }, (_, index) => 6 + 16 * index);
  return [...entries, ...entries.map((entry) => bytes.readUInt32LE(entry + 12))];
}

function pngParts(bytes: Buffer): number[] {
  const starts: number[] = [];
  for (let at = 8; at + 8 <= bytes.length; at += bytes.readUInt32BE(at) + 12) starts.push(at);
  return starts;
}

/** Including those after a scan, which ends at the next marker. */
function jpegParts(bytes: Buffer): number[] {
  const starts: number[] = [];
  for (let at = 2; at + 4 <= bytes.length; ) {
    starts.push(at);
    at += bytes.readUInt16BE(at + 2) + 2;
    const isMarker = () => bytes[at] === 0xff && !/^(00|d[0-7]|ff)$/.test(bytes.toString('hex', at + 1, at + 2));
    while (at < bytes.length && !isMarker()) at += 1;
  }
  return starts;
}

/** Including every sub-block. */
function gifParts(bytes: Buffer): number[] {
  const starts: number[] = [];
  const byteAt = (at: number) => bytes[at] ?? 0;
  const tableLength = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let at = 13 + tableLength(byteAt(10));
  while (at < bytes.length && byteAt(at) !== 0x3b) {
    starts.push(at);
    at += byteAt(at) === 0x2c ? 11 + tableLength(byteAt(at + 9)) : 2;
    for (; byteAt(at) > 0; at += byteAt(at) + 1) starts.push(at);
    at += 1;
  }
  return starts;
}

/** Including the chunks within a frame. */
function riffParts(bytes: Buffer, from: number, end: number): number[] {
  const starts: number[] = [];
  for (let at = from; at + 8 <= end; ) {
    const length = bytes.readUInt32LE(at + 4);
    starts.push(at);
    if (bytes.toString('latin1', at, at + 4) === 'ANMF') starts.push(...riffParts(bytes, at + 24, at + 8 + length));
    at += 8 + length + (length % 2);
  }
  return starts;
}

/** By type of box, the number of bytes before its inner boxes. */
const containers: Readonly<Record<string, number>> = {
  meta: 4,
  iinf: 6,
  iref: 4,
  stsd: 8,
  dref: 8,
  iprp: 0,
  ipco: 0,
  moov: 0,
  trak: 0,
  mdia: 0,
  minf: 0,
  dinf: 0,
  stbl: 0,
};

function boxParts(bytes: Buffer, from: number, end: number): number[] {
  const starts: number[] = [];
  for (let at = from; at + 8 <= end; ) {
    const length = bytes.readUInt32BE(at) || end - at;
    starts.push(at);
    const before = containers[bytes.toString('latin1', at + 4, at + 8)];
    if (before !== undefined) starts.push(...boxParts(bytes, at + 8 + before, at + length));
    at += Math.max(8, length);
  }
  return starts;
}

/** The directory, each of its entries, and each strip or tile. */
function tiffParts(bytes: Buffer): number[] {
  const little = bytes[0] === 0x49;
  const u16 = (at: number) => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const u32 = (at: number) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const directory = u32(4);
  const entries = Array.from({ length: u16(directory) }, (_, index) => directory + 2 + 12 * index);
  const places = entries
    .filter((entry) => [273, 324].includes(u16(entry)))
    .flatMap((entry) => {
      const [width, count] = [u16(entry + 2) === 3 ? 2 : 4, u32(entry + 4)];
      const first = count * width <= 4 ? entry + 8 : u32(entry + 8);
      return Array.from({ length: count }, (_, index) =>
        width === 2 ? u16(first + 2 * index) : u32(first + 4 * index),
      );
    });
  return [directory, ...entries, ...places].sort((one, other) => one - other);
}
