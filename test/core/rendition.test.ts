import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ImageHeader } from '../../core/metadata.ts';
import { corners, type Preset, renditionGroups } from '../../core/presets.ts';
import {
  contentTypes,
  cropOf,
  isSameSize,
  keepsGainMap,
  MAX_RENDITION_HEIGHT,
  placementOf,
  presetsFor,
  renditionKey,
  renditionSize,
  uprightSize,
  watermarkBox,
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
const inWebp = (name: string, width: number) => ({ name, format: 'webp', width, quality: 80 }) as const;
const webp = [320, 640, 1280, 1920].map((width): Preset => inWebp(`webp-${width}`, width));
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

describe('presets that differ in more than size', () => {
  const square = (width: number): Preset => ({ ...inWebp(`square-${width}`, width), fit: 'cover', height: width });
  const marked: Preset = {
    ...inWebp('marked', 640),
    watermark: { png: '', corner: 'top-left', share: 0.2, opacity: 1 },
  };

  it('do not replace each other', () => {
    const presets = [...webp, square(320), square(640), marked];
    expect(names(presetsFor(header(300, 200), presets))).toEqual(['webp-320', 'square-320', 'marked']);
  });

  it.each([
    [4000, 3000, ['square-320', 'square-640']],
    [4000, 640, ['square-320', 'square-640']],
    [4000, 321, ['square-320', 'square-640']],
    [4000, 320, ['square-320']],
    [100, 3000, ['square-320']],
  ])('of an image of %i × %i px, the squares that fit and the next larger one remain', (width, height, expected) => {
    expect(names(presetsFor(header(width, height), [square(320), square(640)]))).toEqual(expected);
  });

  it('a height makes a difference too', () => {
    const low: Preset = { ...inWebp('low', 640), height: 100 };
    expect(names(presetsFor(header(300, 300), [...webp, low]))).toEqual(['webp-320', 'low']);
  });
});

describe('an animation', () => {
  const gif = (animated: boolean): ImageHeader => ({ ...header(700, 350), format: 'gif', frames: 5, animated });
  const moving = [320, 640].map((width): Preset => ({ ...inWebp(`moving-${width}`, width), animated: true }));
  const avif: Preset = { name: 'avif-1280', format: 'avif', width: 1280, quality: 55 };
  const square: Preset = { ...inWebp('square-320', 320), fit: 'cover', height: 320 };
  const large: Preset = inWebp('webp-1280', 1280);
  const all = [...moving, large, avif, jpeg, square];

  it('has animated WebPs and a JPEG as a poster, and no WebP or AVIF that would be shown instead and stand still', () => {
    expect(names(presetsFor(gif(true), all))).toEqual(['moving-320', 'moving-640', 'jpeg-1280', 'square-320']);
  });

  it('has none either if they are in another group', () => {
    expect(presetsFor(gif(true), [avif], all)).toEqual([]);
  });

  it('has all presets as stills if no preset is animated', () => {
    expect(names(presetsFor(gif(true), [...webp, avif, jpeg]))).toEqual([
      ...['webp-320', 'webp-640', 'webp-1280', 'avif-1280', 'jpeg-1280'],
    ]);
  });

  it('has the same presets as a still image if it is too long', () => {
    const still = { ...gif(false), frames: 1, animated: undefined };
    expect(presetsFor(gif(false), all)).toEqual(presetsFor(still, all));
  });

  it('has one rendition of its own size, whether it moves or not', () => {
    for (const image of [{ ...gif(true), width: 200 }, { ...gif(false), width: 200 }, header(200, 100)]) {
      expect(names(presetsFor(image, [...moving, large]))).toEqual(['moving-320']);
    }
    expect(names(presetsFor(header(600, 300), [...moving, large]))).toEqual(['moving-320', 'moving-640']);
  });

  it('has the stills whose shape no animation has: whole, cropped or padded, in other proportions', () => {
    const box = { ...inWebp('moving-box', 320), animated: true, height: 320 } as const;
    const padded: Preset = { ...inWebp('padded', 320), fit: 'pad', height: 320 };
    const tall: Preset = { ...inWebp('tall', 320), fit: 'cover', height: 640 };
    const movingCrop: Preset = { ...box, fit: 'cover' };
    expect(names(presetsFor(gif(true), [movingCrop, square, padded, tall]))).toEqual(['moving-box', 'padded', 'tall']);
    const movingWhole: Preset = { ...inWebp('moving-320', 320), animated: true };
    expect(names(presetsFor(gif(true), [movingWhole, box, inWebp('whole', 640)]))).not.toContain('whole');
  });

  it('has an animated square if that preset is animated', () => {
    const movingSquare: Preset = { ...inWebp('moving-square', 320), fit: 'cover', height: 320, animated: true };
    expect(names(presetsFor(gif(true), [movingSquare, avif]))).toEqual(['moving-square', 'avif-1280']);
  });
});

describe('placementOf', () => {
  it.each([
    [4000, 3000, 1, 400, 400, { picture: { width: 533, height: 400 }, rendition: { width: 400, height: 400 } }],
    [4000, 3000, 6, 400, 400, { picture: { width: 400, height: 533 }, rendition: { width: 400, height: 400 } }],
    [4000, 3000, 1, 1200, 630, { picture: { width: 1200, height: 900 }, rendition: { width: 1200, height: 630 } }],
    [300, 200, 1, 400, 400, { picture: { width: 300, height: 200 }, rendition: { width: 200, height: 200 } }],
    [300, 200, 1, 600, 100, { picture: { width: 300, height: 200 }, rendition: { width: 300, height: 50 } }],
    [1, 60_000, 1, 400, 400, { picture: { width: 1, height: 60_000 }, rendition: { width: 1, height: 1 } }],
  ] as const)('cover: %i × %i, orientation %i, in %i × %i', (width, height, orientation, w, h, expected) => {
    const preset: Preset = { ...inWebp('box', w), fit: 'cover', height: h };
    expect(placementOf(header(width, height, orientation), preset)).toEqual(expected);
  });

  it.each([
    [4000, 3000, 1, 400, 400, { picture: { width: 400, height: 300 }, rendition: { width: 400, height: 400 } }],
    [4000, 3000, 6, 400, 400, { picture: { width: 300, height: 400 }, rendition: { width: 400, height: 400 } }],
    [300, 200, 1, 400, 400, { picture: { width: 300, height: 200 }, rendition: { width: 300, height: 300 } }],
    [300, 200, 1, 600, 100, { picture: { width: 150, height: 100 }, rendition: { width: 600, height: 100 } }],
    [1, 60_000, 1, 400, 400, { picture: { width: 1, height: 400 }, rendition: { width: 400, height: 400 } }],
  ] as const)('pad: %i × %i, orientation %i, in %i × %i', (width, height, orientation, w, h, expected) => {
    const preset: Preset = { ...inWebp('box', w), fit: 'pad', height: h };
    expect(placementOf(header(width, height, orientation), preset)).toEqual(expected);
  });

  it.each([
    [4000, 3000, 1, 400, 400, { width: 400, height: 300 }],
    [3000, 4000, 1, 400, 400, { width: 300, height: 400 }],
    [300, 200, 1, 400, 400, { width: 300, height: 200 }],
    [60_000, 10, 1, 400, 400, { width: 400, height: 1 }],
  ] as const)('inside: %i × %i, orientation %i, in %i × %i', (width, height, orientation, w, h, rendition) => {
    const preset: Preset = { ...inWebp('box', w), height: h };
    expect(placementOf(header(width, height, orientation), preset)).toEqual({ picture: rendition, rendition });
  });

  it('never enlarges, covers the box with the picture, and pads around it', () => {
    const side = fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 70_000 }));
    const boxSide = fc.integer({ min: 1, max: 2_000 });
    const sides = fc.tuple(side, side, boxSide, boxSide);
    fc.assert(
      fc.property(sides, fc.constantFrom('cover', 'pad'), ([width, height, w, h], fit) => {
        const box = inWebp('box', w);
        const { picture, rendition } = placementOf(
          header(width, height),
          fit === 'cover' ? { ...box, fit, height: h } : { ...box, fit, height: h },
        );
        const [smaller, larger] = fit === 'cover' ? [rendition, picture] : [picture, rendition];
        expect(smaller.width >= 1 && smaller.width <= larger.width).toBe(true);
        expect(smaller.height >= 1 && smaller.height <= larger.height).toBe(true);
        expect(picture.width <= width && picture.height <= height).toBe(true);
        expect(rendition.width <= w && rendition.height <= h).toBe(true);
        // They touch on two sides.
        expect(smaller.width === larger.width || smaller.height === larger.height).toBe(true);
      }),
    );
  });
});

describe('cropOf', () => {
  const landscape = { picture: { width: 1000, height: 500 }, rendition: { width: 400, height: 400 } };
  const portrait = { picture: { width: 500, height: 1000 }, rendition: { width: 400, height: 400 } };
  const square = { picture: { width: 500, height: 500 }, rendition: { width: 500, height: 250 } };

  it.each([
    ['the middle of a landscape', landscape, undefined, { left: 300, top: 50 }],
    ['the middle of a square', square, undefined, { left: 0, top: 125 }],
    ['what stands out of a portrait', portrait, undefined, 'attention'],
    ['what the preset says of a landscape', landscape, 'attention', 'attention'],
    ['what the preset says of a portrait', portrait, 'centre', { left: 50, top: 300 }],
  ] as const)('keeps %s', (_, placement, focus, crop) => {
    expect(cropOf(placement, focus)).toEqual(crop);
  });

  it.each([
    ['in the middle, if it can', { x: 0.25, y: 0.5 }, { left: 50, top: 50 }],
    ['at the top left edge', { x: 0, y: 0 }, { left: 0, top: 0 }],
    ['at the bottom right edge', { x: 1, y: 1 }, { left: 600, top: 100 }],
  ])('has the point of the upload %s, whatever the preset says', (_, point, crop) => {
    for (const focus of [undefined, 'centre', 'attention'] as const)
      expect(cropOf(landscape, focus, point)).toEqual(crop);
  });
});

describe('watermarkBox', () => {
  const mark = { width: 200, height: 100 };

  it('has its share of the width, and 2 % of it between the mark and the edges of its corner', () => {
    const boxes = corners.map((corner) => watermarkBox({ width: 1000, height: 500 }, mark, { corner, share: 0.2 }));
    const size = { width: 200, height: 100 };
    expect(boxes).toEqual([
      { ...size, left: 20, top: 20 },
      { ...size, left: 780, top: 20 },
      { ...size, left: 20, top: 380 },
      { ...size, left: 780, top: 380 },
    ]);
  });

  it.each([
    ['the width', { width: 400, height: 100 }, { width: 960, height: 240, left: 20, top: 240 }],
    ['the height', { width: 100, height: 200 }, { width: 230, height: 460, left: 750, top: 20 }],
  ])('is smaller, with the same proportions, if %s has no more space', (_, of, box) => {
    expect(watermarkBox({ width: 1000, height: 500 }, of, { corner: 'bottom-right', share: 1 })).toEqual(box);
  });

  it('is within a rendition of any size', () => {
    const side = fc.integer({ min: 1, max: 2_000 });
    fc.assert(
      fc.property(
        fc.record({ width: side, height: side }),
        fc.record({ width: side, height: side }),
        fc.constantFrom(...corners),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (rendition, of, corner, share) => {
          const { width, height, left, top } = watermarkBox(rendition, of, { corner, share });
          expect(Math.min(width, height)).toBeGreaterThan(0);
          expect(Math.min(left, top)).toBeGreaterThanOrEqual(0);
          expect(left + width).toBeLessThanOrEqual(rendition.width);
          expect(top + height).toBeLessThanOrEqual(rendition.height);
        },
      ),
    );
  });
});

it.each<[keeps: boolean, preset: Preset]>([
  [true, { ...jpeg, keepGainMap: true }],
  [true, { ...jpeg, keepGainMap: true, fit: 'inside' }],
  [false, { ...jpeg, keepGainMap: true, fit: 'cover', height: 1280 }],
  [false, { ...jpeg, keepGainMap: false }],
  [false, jpeg],
  [false, inWebp('webp-320', 320)],
])('a gain map is kept (%s) by %j', (keeps, preset) => {
  expect(keepsGainMap(preset)).toBe(keeps);
});

it('a JPEG with a gain map and one without do not replace each other, although they have the same size', () => {
  const kept: Preset = { ...jpeg, name: 'kept', width: 2560, keepGainMap: true };
  expect(names(presetsFor(header(500, 500), [jpeg, kept]))).toEqual(['jpeg-1280', 'kept']);
});

it('sizes are the same if width and height are', () => {
  const size = { width: 3, height: 2 };
  expect([size, { ...size, width: 4 }, { ...size, height: 4 }].map((other) => isSameSize(size, other))).toEqual([
    ...[true, false, false],
  ]);
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
    for (const { format, quality, effort = 0, width, height = 1 } of presets) {
      expect(quality >= 1 && quality <= 100 && width >= 1 && width <= MAX_RENDITION_HEIGHT).toBe(true);
      expect(height >= 1 && height <= MAX_RENDITION_HEIGHT).toBe(true);
      expect(effort).toBeLessThanOrEqual(mostEffort[format]);
    }
  });

  it('have a background and a watermark that can be read', () => {
    for (const { background = '#ffffff', watermark } of presets) {
      expect(background).toMatch(/^#[0-9a-f]{6}$/);
      if (watermark === undefined) continue;
      // The signature of PNG, in base64.
      expect(watermark.png).toMatch(/^iVBORw0KGgo/);
      expect(watermark.share > 0 && watermark.share <= 1).toBe(true);
      expect(watermark.opacity >= 0 && watermark.opacity <= 1).toBe(true);
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
