import { readdirSync, readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { defaultLimits, type Limits } from '../../core/limits.ts';
import type { Bytes } from '../../core/ports.ts';
import type { Preset } from '../../core/presets.ts';
import { type FocusPoint, presetsFor } from '../../core/rendition.ts';
import { openImage } from '../support/open-image.ts';

// Drawn and described by Pillow: 700 × 350 px, each frame in another colour, with a white square that moves to the right.
const files = ['forever.gif', 'once.gif', 'partial.gif', 'forever.webp', 'three-times.webp'] as const;
const described: Readonly<Record<string, unknown>> = JSON.parse(fixture('animations.json', 'utf8')) as never;
const colours = [
  [192, 0, 0],
  [0, 160, 0],
  [0, 0, 192],
  [192, 192, 0],
  [0, 160, 160],
];

const moving = { name: 'moving', format: 'webp', width: 320, quality: 90, effort: 2, animated: true } as const;
const poster: Preset = { name: 'poster', format: 'jpeg', width: 1280, quality: 80 };

describe.each(files)('an animation, %s', (file) => {
  it('moves in the animated preset, with its delays and repetitions', async () => {
    const [rendition] = await rendered(file, [moving]);
    expect(rendition).toMatchObject({ width: 320, height: 160, frames: 5 });
    expect(animationOf(rendition?.bytes)).toEqual({ width: 320, height: 160, ...Object(described[file]) });
  });

  it('shows each frame whole', async () => {
    const [rendition] = await rendered(file, [moving]);
    for (const [at, colour] of colours.entries()) {
      const pixel = await frameOf(rendition?.bytes, at);
      expect(pixel(310, 150)).toBeCloseTo3(colour);
      // The square is 46 px wide and begins at 23 + 55 px for each frame.
      expect(pixel(46 + Math.round(at * 54.9), 80)).toBeCloseTo3([255, 255, 255]);
    }
  });

  it('is a poster of its first frame in all other presets', async () => {
    const [rendition] = await rendered(file, [poster]);
    expect(rendition).toMatchObject({ width: 700, height: 350 });
    expect(rendition?.frames).toBeUndefined();
    const pixel = await frameOf(rendition?.bytes, 0);
    expect(pixel(690, 340)).toBeCloseTo3(colours[0]);
    expect(pixel(100, 175)).toBeCloseTo3([255, 255, 255]);
  });
});

describe('each frame', () => {
  const square = { ...moving, width: 160, height: 160 };

  it.each([
    ['the middle', undefined, 2, 80],
    ['the upload’s focus', { x: 0, y: 0.5 }, 0, 46],
  ] as const)('is cropped to %s', async (_, focus, shownIn, left) => {
    const [rendition] = await rendered('partial.gif', [{ ...square, fit: 'cover' }], focus);
    expect(animationOf(rendition?.bytes)).toMatchObject({ width: 160, height: 160, frames: 5 });
    expect((await frameOf(rendition?.bytes, shownIn))(left - 10, 80)).toBeCloseTo3([255, 255, 255]);
    expect((await frameOf(rendition?.bytes, 4))(80, 150)).toBeCloseTo3(colours[4]);
  });

  it('is padded', async () => {
    const [rendition] = await rendered('forever.gif', [{ ...square, fit: 'pad', background: '#ffffff' }]);
    for (const [at, colour] of colours.entries()) {
      const pixel = await frameOf(rendition?.bytes, at);
      expect(pixel(80, 35)).toBeCloseTo3([255, 255, 255]);
      expect(pixel(80, 125)).toBeCloseTo3([255, 255, 255]);
      expect(pixel(80, 45)).toBeCloseTo3(colour);
    }
  });

  it('has the watermark', async () => {
    const png = (
      await sharp({ create: { width: 20, height: 10, channels: 4, background: '#ff00ff' } })
        .png()
        .toBuffer()
    ).toString('base64');
    const watermark = { png, corner: 'bottom-right', share: 0.25, opacity: 1 } as const;
    const [rendition] = await rendered('forever.webp', [{ ...moving, watermark }]);
    for (const [at, colour] of colours.entries()) {
      const pixel = await frameOf(rendition?.bytes, at);
      // 320 px wide: the watermark is 80 × 40 px, and 6 px from the edges.
      expect(pixel(270, 135)).toBeCloseTo3([255, 0, 255]);
      expect(pixel(225, 110)).toBeCloseTo3(colour);
    }
  });
});

describe('an animation is rendered as a still', () => {
  it.each([
    ['it has too many frames', { frames: 4, pixels: 10_000_000 }],
    ['all its frames together have too many pixels', { frames: 10, pixels: 5 * 700 * 350 - 1 }],
  ])('if %s, and the header says so', async (_, animation) => {
    const image = await openImage(sharpImageCodec({ ...defaultLimits, animation }), fixture('forever.gif'));
    expect(image.header).toMatchObject({ frames: 5, animated: false });
    const result = await image.render([moving]);
    if (result.outcome === 'rejected') throw new Error(result.message);
    expect(result.renditions[0]?.frames).toBeUndefined();
    expect(animationOf(result.renditions[0]?.bytes).frames).toBe(0);
  });

  it('up to these limits, it moves', async () => {
    const animation = { frames: 5, pixels: 5 * 700 * 350 };
    const [rendition] = await rendered('forever.gif', [moving], undefined, { ...defaultLimits, animation });
    expect(rendition?.frames).toBe(5);
  });

  it.each(['forever.gif', 'forever.webp'])('if only its first frames can be read: %s', async (file) => {
    const bytes = fixture(file);
    const middleOfLastFrame = Math.floor(bytes.length * 0.9);
    const [still] = await renderedBytes(bytes.fill(0x55, middleOfLastFrame, middleOfLastFrame + 200), [moving, poster]);
    expect(still).toMatchObject({ width: 320, height: 160 });
    expect(still?.frames).toBeUndefined();
    expect((await frameOf(still?.bytes, 0))(310, 150)).toBeCloseTo3(colours[0]);
  });
});

describe('is marked as damaged', () => {
  it.each([
    ['forever.gif', 0.5],
    ['forever.gif', 0.9],
    ['forever.webp', 0.5],
    ['forever.webp', 0.9],
  ])('if a frame after the first cannot be read: %s at %d', async (file, share) => {
    const bytes = fixture(file);
    const at = Math.floor(bytes.length * share);
    expect(await damageIn(bytes.fill(0x55, at, at + 200))).toBe(true);
  });

  it('if it ends early', async () => {
    const whole = fixture('forever.gif');
    expect(await damageIn(whole.slice(0, Math.floor(whole.length * 0.95)))).toBe(true);
  });

  it.each(readdirSync(new URL('../fixtures/animation/', import.meta.url)).filter((name) => /\.(gif|webp)$/.test(name)))(
    'not if it is sound: %s',
    async (file) => expect(await damageIn(fixture(file))).toBe(false),
  );
});

it('a GIF that ends early moves as far as it goes', async () => {
  const whole = fixture('forever.gif');
  const [rendition] = await renderedBytes(whole.slice(0, Math.floor(whole.length * 0.6)), [moving]);
  expect(rendition?.frames).toBe(3);
  expect(animationOf(rendition?.bytes).delays).toEqual([50, 100, 200]);
});

it('what does not move has no such property, in header and rendition', async () => {
  const photo = new Uint8Array(readFileSync(new URL('../fixtures/photos/rocket.jpg', import.meta.url)));
  expect((await openImage(sharpImageCodec(), photo)).header.animated).toBeUndefined();
  expect((await renderedBytes(photo, [moving]))[0]?.frames).toBeUndefined();
});

it('an AVIF with several images is a still: its first image', async () => {
  const sequence = new Uint8Array(readFileSync(new URL('../fixtures/formats/sequence.avif', import.meta.url)));
  const { header } = await openImage(sharpImageCodec(), sequence);
  expect(header.animated).toBeUndefined();
  const avif: Preset = { name: 'avif', format: 'avif', width: 320, quality: 55, effort: 0 };
  expect(presetsFor(header, [moving, avif])).toEqual([moving, avif]);
});

async function damageIn(bytes: Bytes, limits?: Limits): Promise<boolean | string> {
  const portrait = await (await openImage(sharpImageCodec(limits), bytes)).portray();
  return portrait.outcome === 'rejected' ? portrait.message : portrait.damaged;
}

// ── Support ─────────────────────────────────────────────────────────────────────────────────────────────────────────

expect.extend({
  toBeCloseTo3(found: readonly number[], expected: readonly number[] = []) {
    return {
      pass: expected.every((value, channel) => Math.abs(value - (found[channel] ?? -255)) <= 16),
      message: () => `${found.join(', ')} instead of ${expected.join(', ')}`,
    };
  },
});

declare module 'vitest' {
  interface Matchers<T> {
    toBeCloseTo3(expected: readonly number[] | undefined): void;
  }
}

function fixture(name: string): Bytes;
function fixture(name: string, encoding: 'utf8'): string;
function fixture(name: string, encoding?: 'utf8'): Bytes | string {
  const bytes = readFileSync(new URL(`../fixtures/animation/${name}`, import.meta.url));
  return encoding === undefined ? new Uint8Array(bytes) : bytes.toString(encoding);
}

async function renderedBytes(bytes: Bytes, presets: readonly Preset[], focus?: FocusPoint, limits?: Limits) {
  const result = await (await openImage(sharpImageCodec(limits), bytes)).render(presets, focus);
  if (result.outcome === 'rejected') throw new Error(result.message);
  return result.renditions;
}

function rendered(file: string, presets: readonly Preset[], focus?: FocusPoint, limits?: Limits) {
  return renderedBytes(fixture(file), presets, focus, limits);
}

async function frameOf(bytes: Bytes | undefined, page: number) {
  const { data, info } = await sharp(bytes, { page }).raw().toBuffer({ resolveWithObject: true });
  const { width, channels } = info;
  return (x: number, y: number) => [...data.subarray((y * width + x) * channels, (y * width + x) * channels + 3)];
}

/** Read according to RFC 9649, without a library. */
function animationOf(bytes = new Uint8Array()) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const uint24 = (at: number) => view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
  const delays: number[] = [];
  let [width, height, plays] = [0, 0, 0];
  for (let at = 12; at + 8 <= bytes.length; at += 8 + 2 * Math.ceil(view.getUint32(at + 4, true) / 2)) {
    const kind = String.fromCharCode(...bytes.subarray(at, at + 4));
    if (kind === 'VP8X') [width, height] = [uint24(at + 12) + 1, uint24(at + 15) + 1];
    if (kind === 'ANIM') plays = view.getUint16(at + 12, true);
    if (kind === 'ANMF') delays.push(uint24(at + 20));
  }
  return { width, height, frames: delays.length, delays, plays };
}
