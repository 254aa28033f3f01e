import { readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import type { Bytes } from '../../core/ports.ts';
import type { Preset } from '../../core/presets.ts';
import type { FocusPoint } from '../../core/rendition.ts';
import { openImage } from '../support/open-image.ts';
import { ssim } from '../support/ssim.ts';

/** What each option of a preset does to a picture whose colours show which part of it is where. */

const codec = sharpImageCodec();

// Nearly lossless.
const best = { name: 'best', format: 'webp', quality: 100 } as const;
const cover = { ...best, fit: 'cover' } as const;
const pad = { ...best, fit: 'pad' } as const;

// Eight columns and six rows of 100 px: the column is in red, the row in green.
const columns = 8;
const rows = 6;
const colourOf = ([column, row]: Field) => [column * 32, row * 40, 128];
type Field = readonly [column: number, row: number];

const chequered = (): Sharp => {
  const [width, height] = [columns * 100, rows * 100];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      data.set(colourOf([Math.floor(x / 100), Math.floor(y / 100)]), (y * width + x) * 3);
    }
  }
  return sharp(data, { raw: { width, height, channels: 3 } });
};

describe('cover fills the box and cuts off the rest', () => {
  it.each([
    ['the middle of a wide picture', 300, 300, undefined, [1, 0], [6, 5]],
    ['the middle of its height', 400, 100, undefined, [0, 2], [7, 3]],
    ['its top left corner, if the upload’s focus is there', 300, 300, { x: 0, y: 0 }, [0, 0], [5, 5]],
    ['its right side, if the upload’s focus is there', 300, 300, { x: 0.9, y: 0.1 }, [2, 0], [7, 5]],
    ['its bottom, if the upload’s focus is there', 400, 100, { x: 0.5, y: 1 }, [0, 4], [7, 5]],
    ['what is around the upload’s focus', 200, 300, { x: 0.625, y: 0.5 }, [3, 0], [6, 5]],
  ] as const)('with %s', async (_, width, height, focus, first, last) => {
    const picture = await rasterOf(await rendered(await png(chequered()), { ...cover, width, height }, focus));
    expect([picture.width, picture.height]).toEqual([width, height]);
    expect(picture.at(5, 5)).toBeCloseToColour(colourOf(first));
    expect(picture.at(width - 6, height - 6)).toBeCloseToColour(colourOf(last));
  });

  it('of an upload stored sideways, places the focus in the upright picture', async () => {
    const sideways = await bytesOf(
      sharp(await png(chequered().rotate(270)))
        .withMetadata({ orientation: 6 })
        .png(),
    );
    const picture = await rasterOf(await rendered(sideways, { ...cover, width: 300, height: 300 }, { x: 1, y: 0.5 }));
    expect(picture.at(294, 294)).toBeCloseToColour(colourOf([7, 5]));
    expect(picture.at(5, 5)).toBeCloseToColour(colourOf([2, 0]));
  });

  it('is made from the whole picture even if a smaller rendition is made from it too', async () => {
    const presets: readonly Preset[] = [
      { ...best, name: 'inside', width: 320 },
      { ...cover, width: 320, height: 320 },
      { ...best, name: 'tiny', width: 100 },
    ];
    const [inside, square, tiny] = await renderedAll(await png(chequered()), presets);
    expect([inside, square, tiny].map((one) => [one?.width, one?.height])).toEqual([
      [320, 240],
      [320, 320],
      [100, 75],
    ]);
    const picture = await rasterOf(square?.bytes);
    expect(picture.at(5, 5)).toBeCloseToColour(colourOf([1, 0]));
    expect(picture.at(314, 314)).toBeCloseToColour(colourOf([6, 5]));
    expect((await rasterOf(inside?.bytes)).at(5, 5)).toBeCloseToColour(colourOf([0, 0]));
    expect((await rasterOf(tiny?.bytes)).at(98, 2)).toBeCloseToColour(colourOf([7, 0]));
  });

  it('never enlarges: a smaller upload gets a smaller box with the same proportions', async () => {
    const small = await png(chequered().resize(200, 150));
    const picture = await rasterOf(await rendered(small, { ...cover, width: 400, height: 400 }));
    expect([picture.width, picture.height]).toEqual([150, 150]);
    expect(picture.at(3, 75)).toBeCloseToColour(colourOf([1, 3]));
  });

  it.each([
    ['rocket-cover-200x200', { ...cover, width: 200, height: 200 }, undefined],
    ['rocket-cover-240x100-bottom', { ...cover, width: 240, height: 100 }, { x: 0.5, y: 1 }],
    ['rocket-pad-160x200', { ...pad, width: 160, height: 200, background: '#336699' }, undefined],
  ] as const)('of a photo, looks like Pillow’s: %s', async (name, preset, focus) => {
    // With larger presets, so that it passes through the whole pyramid.
    const presets: readonly Preset[] = [{ ...best, width: 600 }, preset, { ...best, name: 'small', width: 90 }];
    const pictures = await renderedAll(await fixture('photos/rocket.jpg'), presets, focus);
    const reference = await rasterOf(await fixture(`preset-options/${name}.png`));
    expect(ssim(await rasterOf(pictures[1]?.bytes), reference)).toBeGreaterThan(0.98);
  });
});

describe('the focus of a preset', () => {
  // Grey, with a red square that stands out from it near one end.
  const standsOut = (width: number, height: number, left: number, top: number) =>
    png(
      sharp({ create: { width, height, channels: 3, background: '#808080' } }).composite([
        { input: { create: { width: 80, height: 80, channels: 3, background: '#d02020' } }, left, top },
      ]),
    );
  const redPixels = async (bytes: Bytes | undefined) => {
    const { data, channels } = await rasterOf(bytes);
    const pixels = Array.from({ length: data.length / channels }, (_, at) => data.subarray(at * channels));
    return pixels.filter(([red = 0, green = 0]) => red > 160 && green < 100).length;
  };
  const square = { ...cover, width: 200, height: 200 } as const;
  const centred: Preset = { ...square, focus: 'centre' as const };
  const attentive: Preset = { ...square, focus: 'attention' as const };

  it.each([
    ['a portrait shows what stands out', 400, 1200, 160, 1060, square, true],
    ['a portrait shows its middle if the preset says so', 400, 1200, 160, 1060, centred, false],
    ['a landscape shows its middle', 1200, 400, 1060, 160, square, false],
    ['a landscape shows what stands out if the preset says so', 1200, 400, 1060, 160, attentive, true],
  ] as const)('%s', async (_, width, height, left, top, preset, isShown) => {
    const picture = await rendered(await standsOut(width, height, left, top), preset);
    // At half size, the square has 40 × 40 pixels.
    expect(await redPixels(picture)).toSatisfy((count: number) => (isShown ? count > 1_400 : count === 0));
  });

  it('does not matter if the upload has one', async () => {
    const bytes = await standsOut(1200, 400, 1060, 160);
    expect(await redPixels(await rendered(bytes, attentive, { x: 0, y: 0 }))).toBe(0);
  });
});

describe('pad shows the whole picture in the middle of the box', () => {
  const background = '#102030';
  const padding = [16, 32, 48];

  it('with the background around it', async () => {
    const picture = await rasterOf(
      await rendered(await png(chequered()), { ...pad, width: 400, height: 400, background }),
    );
    expect([picture.width, picture.height, picture.channels]).toEqual([400, 400, 3]);
    expect(picture.at(200, 45)).toBeCloseToColour(padding);
    expect(picture.at(200, 355)).toBeCloseToColour(padding);
    expect(picture.at(5, 55)).toBeCloseToColour(colourOf([0, 0]));
    expect(picture.at(394, 344)).toBeCloseToColour(colourOf([7, 5]));
  });

  it('in a box that shrinks with a smaller upload', async () => {
    const small = await png(chequered().resize(200, 150));
    const picture = await rasterOf(await rendered(small, { ...pad, width: 400, height: 400, background }));
    expect([picture.width, picture.height]).toEqual([200, 200]);
    expect(picture.at(100, 20)).toBeCloseToColour(padding);
    expect(picture.at(2, 28)).toBeCloseToColour(colourOf([0, 0]));
  });

  it.each([
    ['webp', [0, 0, 0, 0]],
    ['jpeg', [255, 255, 255]],
  ] as const)('without a background, %s has %j around it', async (format, expected) => {
    const bytes = await rendered(await png(chequered()), { ...pad, format, width: 400, height: 400 });
    const { at, channels } = await rasterOf(bytes);
    expect(at(200, 20).slice(-1)).toEqual(expected.slice(-1));
    expect(channels).toBe(expected.length);
  });
});

describe('the background', () => {
  const transparent = () => png(sharp({ create: { width: 64, height: 64, channels: 4, background: '#ff000000' } }));

  const common = { name: 'blue', quality: 100, width: 64, background: '#2040c0' };
  const presets: readonly Preset[] = [
    { ...common, format: 'webp' },
    { ...common, format: 'avif' },
    { ...common, format: 'jpeg' },
  ];
  it.each(presets)('is behind transparent pixels of $format', async (preset) => {
    const bytes = await rendered(await transparent(), preset);
    const { at, channels } = await rasterOf(bytes);
    expect(channels).toBe(3);
    expect(at(32, 32)).toBeCloseToColour([32, 64, 192]);
  });
});

it('a height limits tall pictures and leaves their proportions', async () => {
  const tall = await png(chequered().rotate(90));
  const picture = await rasterOf(await rendered(tall, { ...best, width: 600, height: 400 }));
  expect([picture.width, picture.height]).toEqual([300, 400]);
});

// ── Support ─────────────────────────────────────────────────────────────────────────────────────────────────────────

expect.extend({
  toBeCloseToColour(found: readonly number[], expected: readonly number[]) {
    return {
      // The colours of neighbouring fields differ by at least 32.
      pass: expected.every((value, channel) => Math.abs(value - (found[channel] ?? -255)) <= 10),
      message: () => `${found.join(', ')} instead of ${expected.join(', ')}`,
    };
  },
});

declare module 'vitest' {
  interface Matchers<T> {
    toBeCloseToColour(expected: readonly number[]): void;
  }
}

async function fixture(name: string): Promise<Bytes> {
  return new Uint8Array(await readFile(new URL(`../fixtures/${name}`, import.meta.url)));
}

async function bytesOf(image: Sharp): Promise<Bytes> {
  return new Uint8Array(await image.toBuffer());
}

function png(image: Sharp): Promise<Bytes> {
  return bytesOf(image.png());
}

async function renderedAll(bytes: Bytes, presets: readonly Preset[], focus?: FocusPoint) {
  const result = await (await openImage(codec, bytes)).render(presets, focus);
  if (result.outcome === 'rejected') throw new Error(result.message);
  for (const { bytes: encoded, width, height } of result.renditions) {
    expect(await sharp(encoded).metadata()).toMatchObject({ width, height });
  }
  return result.renditions;
}

async function rendered(bytes: Bytes, preset: Preset, focus?: FocusPoint): Promise<Bytes | undefined> {
  return (await renderedAll(bytes, [preset], focus))[0]?.bytes;
}

async function rasterOf(bytes: Bytes | undefined) {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const at = (x: number, y: number): readonly number[] => [
    ...data.subarray((y * width + x) * channels, (y * width + x + 1) * channels),
  ];
  return { width, height, channels, data, at };
}
