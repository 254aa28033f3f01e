import { u16be, u32be } from './numbers.ts';

/** Adds the tag `D2B0`, of processing elements (ICC.1:2022, 10.16), which takes precedence over all others. */
function withElements(profile: Buffer, elements: Buffer): Buffer {
  const tableEnd = 132 + 12 * profile.readUInt32BE(128);
  // The others move by the length of the new entry.
  const table = Buffer.from(profile.subarray(132, tableEnd));
  for (let at = 4; at < table.length; at += 12) table.writeUInt32BE(table.readUInt32BE(at) + 12, at);
  const entry = Buffer.concat([Buffer.from('D2B0'), u32be(profile.length + 12), u32be(elements.length)]);
  const count = u32be(profile.readUInt32BE(128) + 1);
  const whole = Buffer.concat([profile.subarray(0, 128), count, table, entry, profile.subarray(tableEnd), elements]);
  whole.writeUInt32BE(whole.length, 0);
  // Earlier versions have no such tag.
  whole.writeUInt32BE(0x04_40_00_00, 8);
  return whole;
}

/** All places refer to one element. */
export function profileOfElements(profile: Buffer, count: number, element: Buffer): Buffer {
  const head = Buffer.concat([Buffer.from('mpet'), u32be(0), u16be(3), u16be(3), u32be(count)]);
  const at = head.length + 8 * count;
  const places = Buffer.alloc(8 * count);
  for (let index = 0; index < count; index += 1) {
    places.writeUInt32BE(at, 8 * index);
    places.writeUInt32BE(element.length, 8 * index + 4);
  }
  return withElements(profile, Buffer.concat([head, places, element]));
}

const float = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return bytes;
};

export const identityMatrix = Buffer.concat([
  ...[Buffer.from('matf'), u32be(0), u16be(3), u16be(3)],
  ...[1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0].map(float),
]);

/** Two points per input: 2ⁿ × outputs numbers. */
export function tableOfInputs(inputs: number): Buffer {
  const grid = Buffer.alloc(16);
  grid.fill(2, 0, inputs);
  return Buffer.concat([
    ...[Buffer.from('clut'), u32be(0), u16be(inputs), u16be(3), grid],
    Buffer.alloc(2 ** inputs * 3 * 4),
  ]);
}

/** Three curves, which are all the same, of segments of one formula. */
export function curvesOfSegments(count: number): Buffer {
  const formula = Buffer.concat([Buffer.from('parf'), u32be(0), u16be(0), u16be(0), ...[1, 1, 0, 0].map(float)]);
  const breaks = Array.from({ length: count - 1 }, (_, index) => float(index / count));
  const curve = Buffer.concat([
    ...[Buffer.from('curf'), u32be(0), u16be(count), u16be(0), ...breaks],
    ...Array.from({ length: count }, () => formula),
  ]);
  const places = [0, 1, 2].flatMap(() => [u32be(36), u32be(curve.length)]);
  return Buffer.concat([Buffer.from('cvst'), u32be(0), u16be(3), u16be(3), ...places, curve]);
}

/** Of three inputs and three outputs. @param claimed points of the grid on each side, which may not be there */
export function tableOfPoints(side: number, claimed = side): Buffer {
  const grid = Buffer.alloc(16);
  grid.fill(claimed, 0, 3);
  return Buffer.concat([...[Buffer.from('clut'), u32be(0), u16be(3), u16be(3), grid], Buffer.alloc(side ** 3 * 3 * 4)]);
}

/** Three curves, which are all the same, of samples between two formulas. */
export function curvesOfSamples(count: number): Buffer {
  const formula = Buffer.concat([Buffer.from('parf'), u32be(0), u16be(0), u16be(0), ...[1, 1, 0, 0].map(float)]);
  const samples = Buffer.concat([Buffer.from('samf'), u32be(0), u32be(count), Buffer.alloc(count * 4)]);
  const head = [Buffer.from('curf'), u32be(0), u16be(3), u16be(0), float(0), float(1)];
  const curve = Buffer.concat([...head, formula, samples, formula]);
  const places = [0, 1, 2].flatMap(() => [u32be(36), u32be(curve.length)]);
  return Buffer.concat([Buffer.from('cvst'), u32be(0), u16be(3), u16be(3), ...places, curve]);
}
