import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { defaultLimits } from '../../core/limits.ts';
import { at, templateFor } from '../../scripts/template/template.ts';
import { bitmapHeaderOf, bmpOf } from '../hostile/containers/bitmap.ts';
import { flat } from '../hostile/containers/flat.ts';
import { tiffOfStrips } from '../hostile/containers/tiff.ts';
import { examplePresets } from '../support/example-presets.ts';
import { openImage } from '../support/open-image.ts';

/** The workers set every limit that sharp and libvips offer, and no file can get around it. */

const codec = sharpImageCodec();
const fixture = (name: string) => new Uint8Array(readFileSync(new URL(`../fixtures/${name}`, import.meta.url)));
const workers = ['ExtractMetadataFunction', 'ResizeImageFunction', 'ProbePipelineFunction'];
const propertiesOf = (id: string) => templateFor('prod').resources.get(id)?.Properties;

describe('in a worker', () => {
  it.each([
    ['an SVG', fixture('formats/drawing.svg')],
    ['a file by its name', 'test/fixtures/photos/rocket.jpg'],
  ])('no decoder opens %s', async (_, input) => {
    await expect(sharp(input).metadata()).rejects.toThrow(/unsupported|missing/i);
  });

  it('caching is off and one thread works, whatever the settings before', async () => {
    sharp.cache(true);
    sharp.concurrency(3);
    sharpImageCodec();
    expect(sharp.cache()).toMatchObject({ memory: { max: 0 }, files: { max: 0 }, items: { max: 0 } });
    expect(sharp.concurrency()).toBe(1);
  });

  it.each(workers)('%s: untrusted operations blocked, sides limited to a million pixels, two arenas', (id) => {
    expect(at(propertiesOf(id), 'Environment', 'Variables')).toMatchObject({
      MALLOC_ARENA_MAX: '2',
      VIPS_BLOCK_UNTRUSTED: '1',
      VIPS_MAX_COORD: '1000000',
    });
  });
});

describe('a decoder', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('decodes no more pixels than the highest limit, whatever the header claims', async () => {
    const png = await flat(200).png().toBuffer();
    const bmp = bmpOf(bitmapHeaderOf({ width: 200, height: 200, bits: 24 }), Buffer.alloc(120_000), 0);
    const pixels = {
      ...{ jpeg: 100, png: 100, webp: 100, avif: 100, gif: 100, tiff: 100, heic: 100, bmp: 100, ico: 100 },
    };
    // Opening does not judge the size: that is up to its caller, which trusts the header.
    for (const bytes of [png, bmp]) {
      const strict = sharpImageCodec({ ...defaultLimits, pixels, progressivePixels: pixels });
      const image = await openImage(strict, new Uint8Array(bytes));
      expect(await image.render(examplePresets)).toMatchObject({ outcome: 'rejected' });
      expect(await image.portray()).toMatchObject({ outcome: 'rejected' });
    }
  });

  it('decodes no more than five channels', async () => {
    const five = tiffOfStrips({ width: 10, height: 10, samples: 5 }, 10);
    const six = tiffOfStrips({ width: 10, height: 10, samples: 6 }, 10);
    expect(await codec.open(new Uint8Array(five))).toMatchObject({ outcome: 'open' });
    expect(await codec.open(new Uint8Array(six))).toMatchObject({ outcome: 'rejected' });
  });
});
