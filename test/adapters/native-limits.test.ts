import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { defaultLimits } from '../../core/limits.ts';
import type { ImageHeader } from '../../core/metadata.ts';
import { at, numberAt, templateFor } from '../../scripts/template/template.ts';
import { flat } from '../hostile/containers/flat.ts';
import { tiffOfStrips } from '../hostile/containers/tiff.ts';
import { examplePresets } from '../support/example-presets.ts';

/** The workers set every limit that sharp and libvips offer, and no file can get around it. */

const codec = sharpImageCodec();
const fixture = (name: string) => new Uint8Array(readFileSync(new URL(`../fixtures/${name}`, import.meta.url)));
const headerOf = async (bytes: Uint8Array<ArrayBuffer>): Promise<ImageHeader> => {
  const inspected = await codec.inspect(bytes);
  if (inspected.outcome === 'rejected') throw new Error(inspected.message);
  return inspected.header;
};
const secondsOf = z.object({ seconds: z.number() });
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
    vi.resetModules();
    await import('../../adapters/sharp/sharp-image-codec.ts');
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
    const bytes = new Uint8Array(await flat(200).png().toBuffer());
    const pixels = { jpeg: 100, png: 100, webp: 100, avif: 100, gif: 100, tiff: 100 };
    const strict = sharpImageCodec({ ...defaultLimits, pixels, progressivePixels: pixels });
    const claimed = { ...(await headerOf(bytes)), width: 10, height: 10 };
    expect(await strict.render(bytes, claimed, examplePresets)).toMatchObject({ outcome: 'rejected' });
    expect(await strict.portray(bytes, claimed)).toMatchObject({ outcome: 'rejected' });
  });

  it('decodes no more than five channels', async () => {
    const five = tiffOfStrips({ width: 10, height: 10, samples: 5 }, 10);
    const six = tiffOfStrips({ width: 10, height: 10, samples: 6 }, 10);
    expect(await codec.inspect(new Uint8Array(five))).toMatchObject({ outcome: 'readable' });
    expect(await codec.inspect(new Uint8Array(six))).toMatchObject({ outcome: 'rejected' });
  });

  it('times out before its worker’s timeout, in every operation', async () => {
    const bytes = new Uint8Array(await flat(200).png().toBuffer());
    const header = await headerOf(bytes);
    const timeout = vi.spyOn(sharp.prototype, 'timeout');
    const toBuffer = vi.spyOn(sharp.prototype, 'toBuffer');
    await codec.portray(bytes, header);
    await codec.render(bytes, header, examplePresets);
    expect(timeout.mock.calls.length).toBe(toBuffer.mock.calls.length);
    const longest = Math.max(...timeout.mock.calls.map(([options]) => secondsOf.parse(options).seconds));
    expect(longest).toBeLessThan(numberAt(propertiesOf('ResizeImageFunction'), 'Timeout'));
  });
});
