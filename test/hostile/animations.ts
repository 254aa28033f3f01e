import fc from 'fast-check';
import { brokenFiles } from './broken-files.ts';
import { u16le, u24le, u32le } from './containers/numbers.ts';
import { webp, webpChunk, webpHeader } from './containers/webp.ts';
import { fixture } from './good-files.ts';
import type { Maker } from './hostile-file.ts';

/** Animated GIFs and WebPs: half damaged anywhere, half made of sound frames that do not fit together. */
export function hostileAnimations(seed: number, count: number): readonly Maker[] {
  const damaged = Math.ceil(count / 2);
  const misfits = fc.sample(fc.oneof(gifs, webps), { seed, numRuns: count - damaged });
  return [
    ...brokenFiles(new Map(names.map((name) => [name.replace('/', '-'), fixture(name)])), seed, damaged),
    ...misfits.map(({ name, bytes }, index): Maker => [`${index} ${name}`, async () => bytes]),
  ];
}

const names = [
  'animation/forever.gif',
  'animation/partial.gif',
  'animation/forever.webp',
  'animation/three-times.webp',
  'formats/animated-5-frames.gif',
  'formats/animated-9-frames.webp',
];

interface Misfit {
  readonly name: string;
  readonly bytes: Buffer;
}

const sides = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 400 }) },
  { weight: 1, arbitrary: fc.constantFrom(1, 2_000, 16_383) },
);
const delays = fc.constantFrom(0, 1, 2, 10, 100, 65_535);

// ── GIF ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

const gifFrame = fc.record({
  width: sides,
  height: sides,
  left: fc.nat(300),
  top: fc.nat(300),
  delay: delays,
  // Disposal, and whether a colour is transparent.
  flags: fc.nat(31),
  colours: fc.integer({ min: 1, max: 8 }),
  interlaced: fc.boolean(),
  keep: fc.oneof(
    { weight: 3, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  ),
});

/** Frames of other sizes and places than the screen, whose codes may end early. */
const gifs: fc.Arbitrary<Misfit> = fc
  .tuple(
    sides,
    sides,
    fc.array(gifFrame, { minLength: 1, maxLength: 12 }),
    fc.nat(65_535),
    fc.constantFrom(1, 1, 1, 1, 1, 1, 1, 40),
  )
  .map(([width, height, frames, loops, times]) => {
    const head = [Buffer.from('GIF89a'), u16le(width), u16le(height), Buffer.from([0, 0, 0])];
    const loop = [Buffer.from('21ff0b4e45545343415045322e300301', 'hex'), u16le(loops), Buffer.from([0])];
    const all = Array.from({ length: times }, () => frames.flatMap(writtenFrame)).flat();
    return {
      name: 'frames that do not fit.gif',
      bytes: Buffer.concat([...head, ...loop, ...all, Buffer.from([0x3b])]),
    };
  });

function writtenFrame(frame: typeof gifFrame extends fc.Arbitrary<infer Frame> ? Frame : never): Buffer[] {
  const { width, height, left, top, delay, flags, colours, interlaced, keep } = frame;
  const pixels = Math.min(60_000, Math.ceil(width * height * keep));
  return [
    ...[Buffer.from([0x21, 0xf9, 4, flags]), u16le(delay), Buffer.from([0, 0, 0x2c])],
    ...[left, top, width, height].map(u16le),
    Buffer.from([0x80 | (interlaced ? 0x40 : 0) | (colours - 1)]),
    Buffer.alloc(3 * 2 ** colours, 0x3c),
    ...codesFor(pixels, Math.max(2, colours)),
  ];
}

/** Each pixel with a code of its own, which is clear again before codes become longer. */
function codesFor(pixels: number, bits: number): Buffer[] {
  const [clear, perRun] = [2 ** bits, 2 ** bits - 2];
  const codes = Array.from({ length: pixels + Math.ceil(pixels / perRun) }, (_, at) =>
    at % (perRun + 1) === 0 ? clear : at % clear,
  );
  const bytes: number[] = [];
  let [held, count] = [0, 0];
  for (const code of [...codes, clear + 1]) {
    held |= code << count;
    count += bits + 1;
    for (; count >= 8; count -= 8, held >>>= 8) bytes.push(held & 255);
  }
  bytes.push(held & 255);
  const blocks = Array.from({ length: Math.ceil(bytes.length / 255) }, (_, block) => {
    const part = bytes.slice(block * 255, (block + 1) * 255);
    return Buffer.from([part.length, ...part]);
  });
  return [Buffer.from([bits]), ...blocks, Buffer.from([0])];
}

// ── WebP ────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface CodedFrame {
  readonly width: number;
  readonly height: number;
  readonly picture: Buffer;
}

const coded = fc.constantFrom(
  ...['animation/forever.webp', 'animation/three-times.webp', 'formats/animated-9-frames.webp'].flatMap((name) =>
    framesIn(fixture(name)),
  ),
);

function framesIn(file: Buffer): readonly CodedFrame[] {
  const frames: CodedFrame[] = [];
  for (let at = 12; at + 8 <= file.length; ) {
    const length = file.readUInt32LE(at + 4);
    if (file.toString('latin1', at, at + 4) === 'ANMF') {
      const [width, height] = [file.readUIntLE(at + 14, 3) + 1, file.readUIntLE(at + 17, 3) + 1];
      frames.push({ width, height, picture: file.subarray(at + 24, at + 8 + length) });
    }
    at += 8 + length + (length % 2);
  }
  return frames;
}

/** libwebp refuses a file in which one frame has another size than its picture, or exceeds the canvas: few do. */
const rarely = <Value>(usual: Value, odd: fc.Arbitrary<Value>): fc.Arbitrary<Value> =>
  fc.oneof({ weight: 60, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: odd });

const webpFrame = coded.chain(({ width, height, picture }) =>
  fc
    .tuple(rarely(width, sides), rarely(height, sides), fc.nat(20), rarely(0, fc.nat(500)), delays, fc.nat(3))
    .map(([claimedWidth, claimedHeight, offset, far, delay, flags]) => {
      const place = [offset + far, offset, claimedWidth - 1, claimedHeight - 1, delay].map(u24le);
      return webpChunk('ANMF', Buffer.concat([...place, Buffer.from([flags]), picture]));
    }),
);

/** Frames of several animations, in places and an order of their own. */
const webps: fc.Arbitrary<Misfit> = fc
  .tuple(
    ...([fc.integer({ min: 700, max: 900 }), rarely(600, sides)] as const),
    fc.array(webpFrame, { minLength: 1, maxLength: 12 }),
    ...([fc.nat(65_535), fc.constantFrom(1, 1, 1, 1, 1, 1, 1, 20)] as const),
  )
  .map(([width, height, frames, loops, times]) => {
    const animation = webpChunk('ANIM', Buffer.concat([u32le(0), u16le(loops)]));
    const all = Array.from({ length: times }, () => frames).flat();
    return { name: 'frames that do not fit.webp', bytes: webp([webpHeader(0x12, width, height), animation, ...all]) };
  });
