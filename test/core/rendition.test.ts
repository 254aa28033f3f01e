import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ImageHeader } from '../../core/metadata.ts';
import { type Preset, renditionGroups } from '../../core/presets.ts';
import {
  contentTypes,
  MAX_RENDITION_HEIGHT,
  presetsFor,
  renditionKey,
  renditionSize,
  uprightSize,
} from '../../core/rendition.ts';

const header = (width: number, height: number, orientation: ImageHeader['orientation'] = 1): ImageHeader => ({
  format: 'jpeg',
  width,
  height,
  orientation,
  frames: 1,
  progressive: false,
  hasAlpha: false,
  colourSpace: 'srgb',
});
const webp = [320, 640, 1280, 1920].map(
  (width): Preset => ({ name: `webp-${width}`, format: 'webp', width, quality: 80 }),
);
const jpeg: Preset = { name: 'jpeg-1280', format: 'jpeg', width: 1280, quality: 80 };
const names = (presets: readonly Preset[]) => presets.map(({ name }) => name);

describe('presetsFor', () => {
  it.each([
    [4000, ['webp-320', 'webp-640', 'webp-1280', 'webp-1920', 'jpeg-1280']],
    [1920, ['webp-320', 'webp-640', 'webp-1280', 'webp-1920', 'jpeg-1280']],
    [1281, ['webp-320', 'webp-640', 'webp-1280', 'webp-1920', 'jpeg-1280']],
    [1280, ['webp-320', 'webp-640', 'webp-1280', 'jpeg-1280']],
    [641, ['webp-320', 'webp-640', 'webp-1280', 'jpeg-1280']],
    [320, ['webp-320', 'jpeg-1280']],
    [1, ['webp-320', 'jpeg-1280']],
  ])('an image %i px wide gets every preset that fits and the next wider one', (width, expected) => {
    expect(names(presetsFor(header(width, width), [...webp, jpeg]))).toEqual(expected);
  });

  it('uses the width as displayed', () => {
    expect(names(presetsFor(header(4000, 300, 6), webp))).toEqual(['webp-320']);
  });

  it('every format has a rendition, no two of one format have the same size, and none is enlarged', () => {
    const side = fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 70_000 }));
    fc.assert(
      fc.property(side, side, fc.constantFrom(1, 3, 6, 8), (width, height, orientation) => {
        const image = header(width, height, orientation);
        const upright = uprightSize(image);
        for (const format of ['webp', 'jpeg'] as const) {
          const presets = presetsFor(image, [...webp, jpeg]).filter((preset) => preset.format === format);
          const sizes = presets.map((preset) => renditionSize(image, preset));
          expect(sizes.length).toBeGreaterThan(0);
          expect(new Set(sizes.map((size) => size.width)).size).toBe(sizes.length);
          for (const size of sizes) {
            expect(size.width >= 1 && size.width <= upright.width).toBe(true);
            expect(size.height >= 1 && size.height <= Math.min(upright.height, MAX_RENDITION_HEIGHT)).toBe(true);
          }
        }
      }),
    );
  });
});

describe('renditionSize', () => {
  it.each([
    [4000, 3000, 1, 1280, { width: 1280, height: 960 }],
    [4000, 3000, 6, 1280, { width: 1280, height: 1707 }],
    [100, 50, 1, 320, { width: 100, height: 50 }],
    [100, 60_000, 1, 320, { width: 27, height: 16_200 }],
    [60_000, 10, 1, 320, { width: 320, height: 1 }],
    [1, 60_000, 1, 320, { width: 1, height: 16_383 }],
  ] as const)('%i × %i, orientation %i, at %i px', (width, height, orientation, presetWidth, expected) => {
    expect(renditionSize(header(width, height, orientation), { ...jpeg, width: presetWidth })).toEqual(expected);
  });
});

describe('the presets', () => {
  const presets = renditionGroups.flatMap((group) => group.presets);

  it('have unique names that are safe in keys', () => {
    expect(new Set(names(presets)).size).toBe(presets.length);
    expect(names(presets).filter((name) => !/^[a-z0-9-]+$/.test(name))).toEqual([]);
    expect(new Set(renditionGroups.map(({ name }) => name)).size).toBe(renditionGroups.length);
  });

  it('keep each format in one group', () => {
    const homes = presets.map(({ format }) => [
      format,
      renditionGroups.filter((group) => group.presets.some((preset) => preset.format === format)).length,
    ]);
    expect(homes.filter(([, count]) => count !== 1)).toEqual([]);
  });

  it('are within each encoder’s range', () => {
    const mostEffort = { webp: 6, avif: 9, jpeg: 0 };
    for (const { format, quality, effort = 0, width } of presets) {
      expect(quality >= 1 && quality <= 100 && width >= 1 && width <= MAX_RENDITION_HEIGHT).toBe(true);
      expect(effort).toBeLessThanOrEqual(mostEffort[format]);
    }
  });
});

it('a rendition’s key derives only from image, version and preset', () => {
  expect(renditionKey('abc', '0055', jpeg)).toBe('abc/0055/jpeg-1280.jpg');
  expect(webp.slice(0, 1).map((preset) => renditionKey('abc', '0055', preset))).toEqual(['abc/0055/webp-320.webp']);
});

it.each([
  [1, 40, 30],
  [2, 40, 30],
  [3, 40, 30],
  [4, 40, 30],
  [5, 30, 40],
  [6, 30, 40],
  [7, 30, 40],
  [8, 30, 40],
] as const)('orientation %i: stored 40 × 30, displayed %i × %i', (orientation, width, height) => {
  expect(uprightSize(header(40, 30, orientation))).toEqual({ width, height });
});

it('each format has its registered content type', () => {
  expect(contentTypes).toEqual({ webp: 'image/webp', avif: 'image/avif', jpeg: 'image/jpeg' });
});
