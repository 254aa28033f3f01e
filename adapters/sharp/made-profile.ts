import type { Bytes } from '../../core/ports.ts';

/** Colour profiles (ICC.1:2001) for images that state their colours in other ways. */

export type Point = readonly [x: number, y: number];

export interface Primaries {
  readonly red: Point;
  readonly green: Point;
  readonly blue: Point;
  readonly white: Point;
}

const D65: Point = [0.3127, 0.329];
const BT709: Primaries = { red: [0.64, 0.33], green: [0.3, 0.6], blue: [0.15, 0.06], white: D65 };

/** By their number in ITU-T H.273. */
const primariesByCode: ReadonlyMap<number, Primaries> = new Map([
  [1, BT709],
  [4, { red: [0.67, 0.33], green: [0.21, 0.71], blue: [0.14, 0.08], white: [0.31, 0.316] }],
  [5, { red: [0.64, 0.33], green: [0.29, 0.6], blue: [0.15, 0.06], white: D65 }],
  [6, { red: [0.63, 0.34], green: [0.31, 0.595], blue: [0.155, 0.07], white: D65 }],
  [9, { red: [0.708, 0.292], green: [0.17, 0.797], blue: [0.131, 0.046], white: D65 }],
  [11, { red: [0.68, 0.32], green: [0.265, 0.69], blue: [0.15, 0.06], white: [0.314, 0.351] }],
  [12, { red: [0.68, 0.32], green: [0.265, 0.69], blue: [0.15, 0.06], white: D65 }],
]);

// Also by their number: those of video, which browsers and Apple show with the curve of sRGB, and the others.
const SRGB_CURVES: readonly number[] = [1, 2, 6, 13, 14, 15];
const gammas: ReadonlyMap<number, number> = new Map([
  [4, 2.2],
  [5, 2.8],
  [8, 1],
]);
const HDR_CURVES: readonly number[] = [16, 18];
const UNSPECIFIED = 2;

export interface CodedColours {
  /** Undefined if they are those of sRGB, or unknown. */
  readonly profile: Bytes | undefined;
  /** PQ or HLG: for brighter screens than sRGB, and shown here without their highlights adapted. */
  readonly isHdr: boolean;
}

/** For the colours of a PNG's cICP or the nclx of an AVIF or HEIC. */
export function codedColours(primaries: number, transfer: number, isGrey: boolean): CodedColours {
  if (HDR_CURVES.includes(transfer)) return { profile: undefined, isHdr: true };
  const curve = SRGB_CURVES.includes(transfer) ? srgbCurve() : gammas.get(transfer);
  const found = primaries === UNSPECIFIED ? BT709 : primariesByCode.get(primaries);
  const isSrgb = found === BT709 && SRGB_CURVES.includes(transfer);
  if (isSrgb || found === undefined || curve === undefined) return { profile: undefined, isHdr: false };
  return {
    profile: profileOf(typeof curve === 'number' ? gammaCurve(curve) : curve, isGrey ? undefined : found),
    isHdr: false,
  };
}

/** A PNG states the exponent that its numbers were made with. */
export function gammaProfile(exponent: number, primaries: Primaries | undefined): Bytes {
  return profileOf(gammaCurve(1 / exponent), primaries);
}

/** Of grey, if there are no primaries. */
function profileOf(curve: Uint8Array, primaries: Primaries | undefined): Bytes {
  return primaries ? rgbProfile(primaries, curve) : profile('GRAY', [], ['kTRC'], curve);
}

/** For grey that is written as RGB. Undefined if the profile has no curve. */
export function rgbProfileOfGrey(grey: Uint8Array): Bytes | undefined {
  const view = new DataView(grey.buffer, grey.byteOffset, grey.byteLength);
  const tags = view.byteLength < 132 ? 0 : Math.min(view.getUint32(128), 100);
  for (let tag = 0; tag < tags && 144 + 12 * tag <= view.byteLength; tag += 1) {
    const [name, at, length] = [0, 4, 8].map((field) => view.getUint32(132 + 12 * tag + field));
    if (name !== GREY_CURVE || at === undefined || length === undefined) continue;
    return at + length <= grey.length ? rgbProfile(BT709, grey.slice(at, at + length)) : undefined;
  }
  return undefined;
}

const GREY_CURVE = 0x6b545243;

// ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

type Vector = readonly [number, number, number];

// The white that all profiles relate to, and how eyes adapt to another (Bradford).
const D50: Vector = [0.9642, 1, 0.8249];
const BRADFORD: readonly Vector[] = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];
const BRADFORD_INVERSE: readonly Vector[] = [
  [0.9869929, -0.1470543, 0.1599627],
  [0.4323053, 0.5183603, 0.0492912],
  [-0.0085287, 0.0400428, 0.9684867],
];

function rgbProfile({ red, green, blue, white }: Primaries, curve: Uint8Array): Bytes {
  const [source, target] = [times(BRADFORD, xyz(white)), times(BRADFORD, D50)];
  const adapt = (colour: Vector): Vector => {
    const [long, medium, short] = times(BRADFORD, colour);
    return times(BRADFORD_INVERSE, [
      (long * target[0]) / source[0],
      (medium * target[1]) / source[1],
      (short * target[2]) / source[2],
    ]);
  };
  const columns = [xyz(red), xyz(green), xyz(blue)] as const;
  const amounts = solve(columns, xyz(white));
  const [forRed, forGreen, forBlue] = columns.map((column, at) => {
    const amount = amounts[at] ?? 0;
    return xyzTag(adapt([column[0] * amount, column[1] * amount, column[2] * amount]));
  });
  return profile(
    'RGB ',
    [
      ['rXYZ', forRed ?? new Uint8Array()],
      ['gXYZ', forGreen ?? new Uint8Array()],
      ['bXYZ', forBlue ?? new Uint8Array()],
    ],
    ['rTRC', 'gTRC', 'bTRC'],
    curve,
  );
}

function profile(
  space: 'RGB ' | 'GRAY',
  own: readonly (readonly [string, Uint8Array])[],
  curves: readonly string[],
  curve: Uint8Array,
): Bytes {
  const tags: typeof own = [
    ['desc', text('desc', [0, 0, 0, 1, 0], 78)],
    ['cprt', text('text', [0], 0)],
    ['wtpt', xyzTag(D50)],
    ...own,
  ];
  const parts: Uint8Array[] = [];
  let at = 132 + 12 * (tags.length + curves.length);
  const table = Buffer.alloc(at - 128);
  table.writeUInt32BE(tags.length + curves.length);
  const refer = (index: number, name: string, length: number) => {
    table.write(name, 4 + 12 * index, 'latin1');
    table.writeUInt32BE(at, 8 + 12 * index);
    table.writeUInt32BE(length, 12 + 12 * index);
  };
  for (const [index, [name, data]] of tags.entries()) {
    refer(index, name, data.length);
    parts.push(padded(data));
    at += padded(data).length;
  }
  for (const [index, name] of curves.entries()) refer(tags.length + index, name, curve.length);
  parts.push(padded(curve));
  const head = Buffer.alloc(128);
  head.writeUInt32BE(at + padded(curve).length);
  head.writeUInt32BE(0x02400000, 8);
  head.write(`mntr${space}XYZ `, 12, 'latin1');
  head.write('acsp', 36, 'latin1');
  head.set(xyzTag(D50).subarray(8), 68);
  return new Uint8Array(Buffer.concat([head, table, ...parts]));
}

function padded(data: Uint8Array): Uint8Array {
  return Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
}

function text(kind: string, body: readonly number[], zeros: number): Uint8Array {
  return Buffer.concat([Buffer.from(kind), Buffer.alloc(4), Buffer.from(body), Buffer.alloc(zeros)]);
}

function xyzTag(values: Vector): Uint8Array {
  const tag = Buffer.alloc(20);
  tag.write('XYZ ', 'latin1');
  for (const [index, value] of values.entries()) tag.writeInt32BE(Math.round(value * 65_536), 8 + 4 * index);
  return tag;
}

function gammaCurve(gamma: number): Uint8Array {
  const tag = Buffer.alloc(14);
  tag.write('curv', 'latin1');
  tag.writeUInt32BE(1, 8);
  tag.writeUInt16BE(Math.min(65_535, Math.round(gamma * 256)), 12);
  return tag;
}

const STEPS = 1024;

/** IEC 61966-2-1. */
function srgbCurve(): Uint8Array {
  const tag = Buffer.alloc(12 + 2 * STEPS);
  tag.write('curv', 'latin1');
  tag.writeUInt32BE(STEPS, 8);
  for (let step = 0; step < STEPS; step += 1) {
    const value = step / (STEPS - 1);
    const linear = value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    tag.writeUInt16BE(Math.round(linear * 65_535), 12 + 2 * step);
  }
  return tag;
}

// ── Arithmetic ──────────────────────────────────────────────────────────────────────────────────────────────────────

function xyz([x, y]: Point): Vector {
  return [x / y, 1, (1 - x - y) / y];
}

function times(matrix: readonly Vector[], [x, y, z]: Vector): Vector {
  const [first = 0, second = 0, third = 0] = matrix.map(([a, b, c]) => a * x + b * y + c * z);
  return [first, second, third];
}

/** How much of each column adds up to the result (Cramer's rule). */
function solve([a, b, c]: readonly [Vector, Vector, Vector], result: Vector): Vector {
  const whole = determinant(a, b, c);
  return [determinant(result, b, c) / whole, determinant(a, result, c) / whole, determinant(a, b, result) / whole];
}

function determinant(a: Vector, b: Vector, c: Vector): number {
  return a[0] * (b[1] * c[2] - b[2] * c[1]) - b[0] * (a[1] * c[2] - a[2] * c[1]) + c[0] * (a[1] * b[2] - a[2] * b[1]);
}
