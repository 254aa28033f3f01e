import { describe, expect, it } from 'vitest';
import { downloadName, htmlOf, isCrop, pictureOf, type Rendition, savingOf } from '../source/renditions.ts';

const types = { webp: 'image/webp', avif: 'image/avif', jpeg: 'image/jpeg' } as const;

function rendition(
  format: keyof typeof types,
  width: number,
  height: number,
  bytes: number,
  animated?: boolean,
): Rendition {
  const preset = `${format}-${width}`;
  const url = `/renditions/${preset}-${height}`;
  return { preset, url, contentType: types[format], width, height, bytes, ...(animated !== undefined && { animated }) };
}

const photograph = [
  rendition('webp', 320, 320, 11),
  rendition('webp', 320, 213, 12),
  rendition('webp', 640, 427, 40),
  rendition('webp', 1280, 853, 120),
  rendition('webp', 1920, 1280, 260),
  rendition('jpeg', 1280, 853, 200),
  rendition('avif', 1280, 853, 90),
];
const animation = [
  rendition('webp', 320, 180, 50, true),
  rendition('webp', 640, 360, 150, true),
  rendition('jpeg', 640, 360, 30),
];

describe('the picture element', () => {
  it('offers the best format when large, and many widths when small', () => {
    const small = pictureOf(photograph, 'small');
    const large = pictureOf(photograph, 'large');
    expect(small?.sources.map(({ type }) => type)).toEqual(['image/webp']);
    expect(large?.sources.map(({ type }) => type)).toEqual(['image/avif', 'image/webp']);
    expect(large?.fallback.contentType).toBe('image/jpeg');
  });

  it('leaves out crops', () => {
    expect(pictureOf(photograph, 'small')?.sources[0]?.srcset).toBe(
      '/renditions/webp-320-213 320w, /renditions/webp-640-427 640w, /renditions/webp-1280-853 1280w, /renditions/webp-1920-1280 1920w',
    );
  });

  it('which the list of downloads names', () => {
    const crops = photograph.filter((one) => isCrop(one, photograph));
    expect(crops.map(({ width, height }) => [width, height])).toEqual([[320, 320]]);
  });

  it('moves only as long as people do not mind, and has a still poster otherwise', () => {
    const picture = pictureOf(animation, 'small');
    expect(picture?.sources.map(({ type, animated }) => [type, animated])).toEqual([['image/webp', true]]);
    expect(picture?.fallback).toMatchObject({ contentType: 'image/jpeg' });
  });

  it('offers a better format than JPEG even if the picture exists in one size only', () => {
    const one = [rendition('jpeg', 1280, 853, 200), rendition('avif', 1280, 853, 90)];
    expect(pictureOf(one, 'small')?.sources.map(({ type }) => type)).toEqual(['image/avif']);
  });

  it('does not exist without renditions', () => {
    expect(pictureOf([], 'small')).toBeUndefined();
  });
});

describe('bytes saved', () => {
  it('are compared at equal size', () => {
    expect(savingOf(photograph)).toEqual({
      width: 1280,
      height: 853,
      files: [
        { format: 'AVIF', bytes: 90 },
        { format: 'WebP', bytes: 120 },
        { format: 'JPEG', bytes: 200 },
      ],
      jpeg: 200,
      share: 0.55,
    });
  });

  it('are unknown without something to compare', () => {
    expect(savingOf(animation)).toBeUndefined();
    expect(savingOf([])).toBeUndefined();
  });
});

describe('the HTML to copy', () => {
  it('has complete addresses, and the name as text only', () => {
    const html = htmlOf(animation, '"><script>alert(1)</script>.gif', 'http://localhost:8080');
    expect(html).toBe(
      [
        '<picture>',
        '  <source type="image/webp" media="(prefers-reduced-motion: no-preference)" srcset="http://localhost:8080/renditions/webp-320-180 320w, http://localhost:8080/renditions/webp-640-360 640w" sizes="100vw">',
        '  <img src="http://localhost:8080/renditions/jpeg-640-360" width="640" height="360" alt="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;.gif" loading="lazy">',
        '</picture>',
      ].join('\n'),
    );
  });
});

describe('the name of a download', () => {
  it.each([
    ['beach.heic', 'beach-jpeg-640.jpg'],
    ['../../etc/passwd', '.._.._etc_passwd-jpeg-640.jpg'],
    ['<b>.png', '_b_-jpeg-640.jpg'],
    ['.png', 'photograph-jpeg-640.jpg'],
  ])('of %s is %s', (name, expected) => {
    expect(downloadName(name, rendition('jpeg', 640, 360, 1))).toBe(expected);
  });
});
