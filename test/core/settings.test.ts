import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Preset } from '../../core/presets.ts';
import { isOutdated, outdated, settingsOf } from '../../core/settings.ts';
import { deletedRecord, processedRecord } from '../support/records.ts';

const plain: Preset = { name: 'large', format: 'webp', width: 1920, quality: 80, effort: 2 };
const mark = { png: 'iVBORw0KGgo=', corner: 'bottom-right', share: 0.2, opacity: 0.5 } as const;

describe('settingsOf', () => {
  it.each<[preset: Preset, text: string]>([
    [plain, 'webp 1920 q80 e2'],
    [{ name: 'a', format: 'jpeg', width: 1280, quality: 82 }, 'jpeg 1280 q82'],
    [{ name: 'b', format: 'webp', width: 640, quality: 80, effort: 2, animated: true }, 'webp 640 q80 e2 animated'],
    [{ name: 'c', format: 'avif', width: 320, height: 320, fit: 'cover', quality: 55 }, 'avif 320x320 cover q55'],
    [
      { name: 'd', format: 'webp', width: 320, height: 200, fit: 'cover', focus: 'centre', quality: 80 },
      'webp 320x200 cover centre q80',
    ],
    [
      { name: 'e', format: 'jpeg', width: 800, height: 600, fit: 'pad', quality: 82, background: '#FFFFFF' },
      'jpeg 800x600 pad q82 on #ffffff',
    ],
    [{ name: 'f', format: 'jpeg', width: 1280, quality: 82, keepGainMap: true }, 'jpeg 1280 q82 gain-map'],
    [{ ...plain, gamut: 'keep-p3' }, 'webp 1920 q80 e2 keep-p3'],
    [{ ...plain, gamut: 'srgb' }, 'webp 1920 q80 e2'],
    [{ ...plain, fit: 'inside' }, 'webp 1920 q80 e2'],
    [{ ...plain, watermark: mark }, 'webp 1920 q80 e2 mark 8a0ca939 bottom-right 0.2 0.5'],
  ])('of %j can be read: %s', (preset, text) => {
    expect(settingsOf(preset)).toBe(text);
  });

  const corner = fc.constantFrom('top-left', 'bottom-right');
  const preset = fc
    .record({
      name: fc.constant('any'),
      format: fc.constantFrom('webp', 'avif', 'jpeg'),
      width: fc.integer({ min: 1, max: 3 }),
      quality: fc.integer({ min: 79, max: 81 }),
      effort: fc.option(fc.integer({ min: 0, max: 1 }), { nil: undefined }),
      height: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      background: fc.option(fc.constantFrom('#ffffff', '#000000'), { nil: undefined }),
      animated: fc.option(fc.constant(true), { nil: undefined }),
      keepGainMap: fc.option(fc.constant(true), { nil: undefined }),
      gamut: fc.option(fc.constant('keep-p3'), { nil: undefined }),
      watermark: fc.option(
        fc.record({ png: fc.constantFrom('AA==', 'AAA='), corner, share: fc.constant(0.2), opacity: fc.constant(0.5) }),
        { nil: undefined },
      ),
    })
    // What JSON leaves out is absent, as in a list of presets.
    .map(({ animated, keepGainMap, ...rest }): Preset => {
      const own = { webp: { animated }, avif: {}, jpeg: { keepGainMap } }[rest.format];
      const whole = { ...rest, ...own };
      return JSON.parse(JSON.stringify(whole));
    });

  const options = [
    'format',
    'width',
    'quality',
    'effort',
    'height',
    'background',
    'animated',
    'watermark',
    'keepGainMap',
    'gamut',
  ] as const;

  it('differs exactly if an option differs', () => {
    fc.assert(
      fc.property(preset, preset, fc.constantFrom(...options), (one, another, option) => {
        // One option of another preset: two presets at random nearly always differ in several.
        const values: Readonly<Record<string, unknown>> = { ...another };
        const other: Preset = JSON.parse(JSON.stringify({ ...one, [option]: values[option] }));
        const isSame = isDeepStrictEqual(one, other);
        // Only WebP moves, and only JPEG has a gain map.
        const isOfFormat =
          (option !== 'animated' || one.format === 'webp') && (option !== 'keepGainMap' || one.format === 'jpeg');
        fc.pre(isOfFormat && !(option === 'format' && ('animated' in one || 'keepGainMap' in one)));
        expect(settingsOf(one) === settingsOf(other)).toBe(isSame);
      }),
      { numRuns: 1000 },
    );
  });

  it('does not change with the name', () => {
    expect(settingsOf({ ...plain, name: 'hero' })).toBe(settingsOf(plain));
  });
});

describe('outdated', () => {
  const small: Preset = { name: 'small', format: 'webp', width: 320, quality: 80 };
  const jpeg: Preset = { name: 'jpeg', format: 'jpeg', width: 1280, quality: 80 };
  const { metadata } = processedRecord();
  const shown = { ...metadata, width: 4000, height: 3000 };
  const rendition = (preset: Preset) => ({
    ...{ preset: preset.name, key: `image/1/${preset.name}`, contentType: 'image/webp', width: 4, height: 3, bytes: 5 },
    settings: settingsOf(preset),
  });
  const made = (...presets: readonly Preset[]) =>
    processedRecord({ metadata: shown, renditions: presets.map(rendition) });

  it('is nothing for an image made with the presets of today', () => {
    expect(outdated(made(small, plain, jpeg), [small, plain, jpeg])).toEqual({
      missing: [],
      changed: [],
      unwanted: [],
    });
  });

  it('names what is missing, changed and no longer wanted', () => {
    const sharper = { ...plain, quality: 85 };
    expect(outdated(made(plain, jpeg), [small, sharper])).toEqual({
      missing: ['small'],
      changed: ['large'],
      unwanted: ['jpeg'],
    });
  });

  it('counts another effort as a change', () => {
    expect(outdated(made(plain), [{ ...plain, effort: 6 }]).changed).toEqual(['large']);
  });

  it('counts a rendition as changed if its record does not say what it was made with', () => {
    const { settings: _, ...old } = rendition(plain);
    expect(outdated(processedRecord({ metadata: shown, renditions: [old] }), [plain]).changed).toEqual(['large']);
  });

  it('does not miss a preset that would repeat another rendition of a small image', () => {
    const tiny = processedRecord({
      metadata: { ...metadata, width: 300, height: 200 },
      renditions: [rendition(small)],
    });
    expect(outdated(tiny, [small, plain])).toEqual({ missing: [], changed: [], unwanted: [] });
  });

  it('uses the size as displayed, which the record has', () => {
    const turned = processedRecord({
      metadata: { ...metadata, width: 300, height: 4000, orientation: 6 },
      renditions: [rendition(small)],
    });
    expect(outdated(turned, [small, plain])).toEqual({ missing: [], changed: [], unwanted: [] });
  });

  it('is nothing for an image that shows no renditions', () => {
    const { renditions: _, ...withoutRenditions } = made(plain);
    const failed = { ...withoutRenditions, outcome: 'failed', message: 'No.' } as const;
    for (const record of [deletedRecord(), failed])
      expect(outdated(record, [small])).toEqual({ missing: [], changed: [], unwanted: [] });
  });

  it('of a failed image counts what it still shows', () => {
    const failed = { ...made(plain), outcome: 'failed', message: 'No.' } as const;
    expect(outdated(failed, [small])).toEqual({ missing: ['small'], changed: [], unwanted: ['large'] });
  });

  it.each([
    [false, { missing: [], changed: [], unwanted: [] }],
    [true, { missing: ['a'], changed: [], unwanted: [] }],
    [true, { missing: [], changed: ['a'], unwanted: ['b'] }],
    [true, { missing: [], changed: [], unwanted: ['b'] }],
  ])('is something (%s) if any list has a name: %j', (is, lists) => {
    expect(isOutdated(lists)).toBe(is);
  });
});
