import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod';
import { boundedImageCodec } from '../../adapters/sharp/bounded-image-codec.ts';
import { heicDecoder } from '../../adapters/sharp/heic.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { defaultLimits } from '../../core/limits.ts';
import type { Bytes } from '../../core/ports.ts';
import type { Preset } from '../../core/presets.ts';
import { bundleFunctions } from '../../scripts/template/bundle.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';
import { type AvifItem, avif, avifItems, gridOf, ispe } from '../hostile/containers/avif.ts';
import { examplePresets } from '../support/example-presets.ts';
import { openImage } from '../support/open-image.ts';

const codec = sharpImageCodec();
const fixture = (path: string): Bytes => new Uint8Array(readFileSync(new URL(`../fixtures/${path}`, import.meta.url)));
const heic = (name: string): Bytes => fixture(`heic/${name}.heic`);
const sizes = z
  .record(z.string(), z.object({ width: z.int(), height: z.int() }))
  .parse(JSON.parse(Buffer.from(fixture('heic/sizes.json')).toString()));

// Nearly lossless, so that any difference comes from the decoder.
const exact = (width: number): Preset => ({ name: 'exact', format: 'jpeg', width, quality: 100 });

describe('a HEIC looks as its reference, which heif-dec and LittleCMS made', () => {
  it.each(Object.entries(sizes))('%s', async (name, size) => {
    const image = await openImage(codec, heic(name));
    expect(image.header).toMatchObject({ format: 'heic', ...size, orientation: 1, frames: 1 });

    const reference = fixture(`heic/${name}.png`);
    const { width, height } = await sharp(reference).metadata();
    const rendered = await image.render([exact(width)]);
    const [rendition] = rendered.outcome === 'rendered' ? rendered.renditions : [];
    expect(rendition).toMatchObject({ width, height });
    expect(await difference(rendition?.bytes ?? new Uint8Array(), reference)).toBeLessThan(MAX_DIFFERENCE);
  });

  // A profile that is ignored shifts the colours by 2 levels of 255 and more.
  const MAX_DIFFERENCE = 1.8;

  it.each(['clear', 'clear-10-bit', 'clear-premultiplied'])('%s is as clear in its renditions', async (name) => {
    const image = await openImage(codec, heic(name));
    expect(image.header.hasAlpha).toBe(true);
    const rendered = await image.render([{ name: 'clear', format: 'webp', width: 240, quality: 100 }]);
    const bytes = rendered.outcome === 'rendered' ? rendered.renditions[0]?.bytes : undefined;
    const { channels } = await sharp(bytes).stats();
    // From invisible on the left to opaque on the right.
    expect(channels[3]).toMatchObject({ min: 0, max: 255, mean: expect.closeTo(127, -1) });
  });
});

describe('colours that a HEIC states by numbers (nclx) instead of a profile', () => {
  it('count: Display P3 looks as with its profile', async () => {
    const rendered = await (await openImage(codec, withCodedColours(heic('p3'), 12, 13))).render([exact(240)]);
    const bytes = rendered.outcome === 'rendered' ? rendered.renditions[0]?.bytes : undefined;
    expect(await difference(bytes ?? new Uint8Array(), fixture('heic/p3.png'))).toBeLessThan(1.8);
  });

  it('are approximate for brighter screens (PQ)', async () => {
    const { header } = await openImage(codec, withCodedColours(heic('p3'), 9, 16));
    expect(header.approximateColours).toBe(true);
  });
});

describe('brands, of which a file may state several,', () => {
  /** In place of the main brand and of all that say the codec. */
  const branded = (bytes: Buffer, brand: string) => {
    const length = bytes.readUInt32BE(0);
    const brands = bytes.toString('latin1', 0, length).replaceAll(/avif|heic|heix/g, brand);
    bytes.write(brands, 0, 'latin1');
    bytes.write(brand, 8, 'latin1');
    return new Uint8Array(bytes);
  };

  it.each(['mif1', 'avif'])('do not hide a HEIC: %s', async (brand) => {
    const image = await openImage(codec, branded(Buffer.from(heic('p3')), brand));
    expect(image.header.format).toBe('heic');
    expect(await image.render(examplePresets)).toMatchObject({ outcome: 'rendered' });
  });

  it.each(['mif1', 'heic'])('do not hide an AVIF: %s', async (brand) => {
    const photo = sharp(fixture('photos/rocket.jpg')).resize(64);
    const image = await openImage(codec, branded(await photo.avif({ effort: 0 }).toBuffer(), brand));
    expect(image.header.format).toBe('avif');
    expect(await image.render(examplePresets)).toMatchObject({ outcome: 'rendered' });
  });
});

describe('what a HEIC says of itself', () => {
  type Said = [name: string, camera: object | undefined, capturedAt: string | undefined, location?: object];
  it.each<Said>([
    ['iphone-11-pro', { make: 'Apple', model: 'iPhone 11 Pro' }, '2020-05-04T18:44:06-04:00'],
    [
      'iphone-13-pro',
      { make: 'Apple', model: 'iPhone 13 Pro' },
      '2023-02-21T14:33:08+03:00',
      { latitude: 44.850478, longitude: 34.976647 },
    ],
    ['iphone-8-plus-turned', { make: 'Apple', model: 'iPhone 8 Plus' }, '2018-07-31T14:52:07'],
    ['p3', undefined, undefined],
  ])('%s', async (name, camera, capturedAt, location) => {
    const portrait = await (await openImage(codec, heic(name))).portray();
    expect(portrait).toEqual({
      ...{ outcome: 'portrayed', camera, capturedAt, location, damaged: false },
      ...{ dominantColour: expect.any(String), thumbhash: expect.any(String) },
    });
  });
});

describe('a thumbnail in a HEIC', () => {
  const photo = heic('iphone-8-plus-turned');
  const decode = async (bytes: Bytes, need: 'small' | 'whole') => {
    const found = await sharp(bytes).metadata();
    const decoded = heicDecoder(defaultLimits)?.decode({ bytes, header: found, found }, need);
    return decoded?.outcome === 'prepared' ? sharp(decoded.bytes).metadata() : decoded;
  };

  it('stands in for the image in the portrait, and nowhere else', async () => {
    expect(await decode(photo, 'small')).toMatchObject({ width: 240, height: 320 });
    expect(await decode(photo, 'whole')).toMatchObject({ width: 1020, height: 1360 });
  });

  it.each([
    ['has other proportions', () => resized(photo, [320, 240], [320, 230])],
    // It is the last item. Its last byte stays, because a file that ends with zeros is rejected.
    ['is broken', () => new Uint8Array(photo).fill(0, -4_307, -1)],
  ])('that %s is not used', async (_, make) => {
    expect(await decode(make(), 'small')).toMatchObject({ width: 1020, height: 1360 });
  });
});

describe('a HEIC that is damaged', () => {
  const photo = heic('iphone-13-pro');

  it.each([
    ['in its header', photo.slice(0, 500)],
    ['behind its header', fixture('formats/iphone11pro-head.heic')],
    ['in its tiles', photo.slice(0, photo.length * 0.9)],
  ])('cut %s is rejected when it is opened', async (_, bytes) => {
    expect(await codec.open(bytes)).toMatchObject({ outcome: 'rejected', reason: 'corrupt' });
  });

  it.each<[what: string, byte: number, share: number]>([
    // As an interrupted copy leaves it.
    ['zeros in its last two thirds', 0, 0.3],
    ['zeros in its last tenth', 0, 0.9],
    ['zeros at its end', 0, 0.98],
    // Three of six tiles are lost. libheif calls it decoded unless it decodes strictly: they stay green.
    ['other bytes in its second half', 0x55, 0.5],
  ])('with %s is rejected when it is decoded', async (_, byte, share) => {
    const image = await openImage(codec, new Uint8Array(photo).fill(byte, photo.length * share));
    expect(await image.render(examplePresets)).toMatchObject({ outcome: 'rejected', reason: 'corrupt' });
    expect(await image.portray()).toMatchObject({ outcome: 'rejected', reason: 'corrupt' });
  });
});

describe('a HEIC that we cannot render is rejected in a sentence', () => {
  it('if it describes its images in more than one way', async () => {
    const bytes = Buffer.from(heic('p3'));
    const at = bytes.indexOf('meta') - 4;
    const twice = Buffer.concat([bytes, bytes.subarray(at, at + bytes.readUInt32BE(at))]);
    expect(await codec.open(new Uint8Array(twice))).toMatchObject({
      reason: 'corrupt',
      message: expect.stringContaining('HEIC file is damaged: it describes its images in more than one way'),
    });
  });

  it('if its main image is not the one that its header describes', async () => {
    // The thumbnail is declared the main image; it is not the first, which sharp describes.
    const image = await openImage(codec, withMainImage(heic('iphone-8-plus-turned'), 50));
    expect(await image.render(examplePresets)).toMatchObject({
      reason: 'unsupported-format',
      message: expect.stringContaining('another size than its header'),
    });
  });

  it.each(['hevc', 'hevx', 'msf1'])('if it is a sequence, by its brand %s', async (brand) => {
    const bytes = new Uint8Array(heic('p3'));
    bytes.set(Buffer.from(brand), 8);
    expect(await codec.open(bytes)).toMatchObject({
      reason: 'unsupported-format',
      message: expect.stringContaining('HEIC image sequence'),
    });
  });

  it.each([
    ['avc1', 'AVC'],
    ['vvc1', 'VVC'],
    ['j2k1', 'JPEG 2000'],
    ['jpeg', 'JPEG'],
    ['unci', 'no compression'],
  ])('if it contains %s', async (type, name) => {
    const item = { type, data: Buffer.alloc(500, 1), properties: [ispe(64, 64)] };
    expect(await codec.open(new Uint8Array(avif([item], { brand: 'heic' })))).toMatchObject({
      reason: 'unsupported-format',
      message: expect.stringContaining(`an image in ${name}, not in HEVC`),
    });
  });

  it('if it has more items than sharp’s decoder reads', async () => {
    const items = Array.from({ length: 257 }, (): AvifItem => ({ ...tile(), properties: [ispe(240, 160)] }));
    expect(await codec.open(new Uint8Array(avif(items, { brand: 'heic' })))).toMatchObject({
      reason: 'too-complex',
      message: expect.stringContaining('257 images'),
    });
  });

  it('if its tiles add up to many times the file', async () => {
    const shared = (count: number) => {
      const grid = { type: 'grid', data: gridOf(count, count, 160), properties: [ispe(240 * count, 160 * count)] };
      const item = { ...tile(), data: Buffer.concat([tile().data, Buffer.alloc(500_000)]) };
      return avif([{ ...grid, refers: { as: 'dimg', to: Array.from({ length: count ** 2 }, () => 2) } }, item], {
        brand: 'heic',
      });
    };
    expect(await codec.open(new Uint8Array(shared(8)))).toMatchObject({
      reason: 'too-complex',
      message: expect.stringContaining('times the file'),
    });
  });

  it('if an item hides many frames', async () => {
    const hidden = { ...tile(), data: Buffer.concat(Array.from({ length: 6_000 }, () => tile().data)) };
    expect(await codec.open(new Uint8Array(avif([hidden], { brand: 'heic' })))).toMatchObject({
      reason: 'too-complex',
      message: expect.stringContaining('megapixels'),
    });
  });
});

describe('without the layer of libheif', () => {
  it('a HEIC is rejected with a sentence, and other formats work', async () => {
    const { codec: without } = await codecInFolder(['sharp', '@img', 'detect-libc', 'semver']);
    const refused = await without.open(heic('p3'));
    expect(refused).toMatchObject({ reason: 'unsupported-format', message: expect.stringMatching(/Most Compatible/) });
    expect(refused).toMatchObject({
      message: expect.stringMatching(/formats: JPEG, PNG, WebP, AVIF, GIF, TIFF, BMP and ICO/),
    });
    expect(await without.open(fixture('photos/rocket.jpg'))).toMatchObject({ outcome: 'open' });
  });

  it('with it, the deployed process decodes a HEIC', async () => {
    const { codec: within } = await codecInFolder(['sharp', '@img', 'detect-libc', 'semver', 'libheif-js']);
    const image = await openImage(within, heic('iphone-8-plus-turned'));
    expect(await image.portray()).toMatchObject({ outcome: 'portrayed' });
    expect(await image.render(examplePresets)).toMatchObject({ outcome: 'rendered' });
  });

  let code: Uint8Array;
  beforeAll(async () => {
    const [worker] = await bundleFunctions({}, (logicalId) => logicalId === 'ResizeImageFunction');
    code = worker?.code.get('image-process.js') ?? new Uint8Array();
  });

  /** As in Lambda: the bundle of the function, and packages that only NODE_PATH leads to. */
  async function codecInFolder(packages: readonly string[]) {
    const folder = mkdtempSync(join(tmpdir(), 'heic-'));
    const modules = join(folder, 'layer', 'node_modules');
    mkdirSync(modules, { recursive: true });
    for (const name of packages) symlinkSync(join(projectDirectory, 'node_modules', name), join(modules, name));
    const script = join(folder, 'image-process.js');
    writeFileSync(script, code);
    vi.stubEnv('NODE_PATH', modules);
    onTestFinished(() => {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true });
    });
    return { codec: boundedImageCodec({ script, functionMegabytes: 1_769, limits: defaultLimits }) };
  }
});

// ── Files ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The coded image of a small photograph. */
function tile(): AvifItem {
  const [item] = avifItems(Buffer.from(heic('p3')));
  if (item === undefined) throw new Error('The HEIC has no image.');
  return { type: 'hvc1', data: item.data, properties: [ispe(240, 160), ...item.properties] };
}

/** The numbers of primaries and transfer in place of the profile, with the matrix that the encoder used. */
function withCodedColours(bytes: Bytes, primaries: number, transfer: number): Bytes {
  const copy = Buffer.from(bytes);
  const at = copy.indexOf('colrprof') + 4;
  const numbers = [primaries, transfer, 6].flatMap((number) => [0, number]);
  Buffer.from([...Buffer.from('nclx'), ...numbers, 0x80]).copy(copy, at);
  return new Uint8Array(copy);
}

/** Another size in an `ispe` box. */
function resized(bytes: Bytes, from: readonly [number, number], to: readonly [number, number]): Bytes {
  const copy = Buffer.from(bytes);
  ispe(...to).copy(copy, copy.indexOf(ispe(...from)));
  return new Uint8Array(copy);
}

/** Another item in the `pitm` box. */
function withMainImage(bytes: Bytes, item: number): Bytes {
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(item, copy.indexOf('pitm') + 8);
  return new Uint8Array(copy);
}

/** The mean, of 255 levels, after blurring: renditions have a quarter of the colours' resolution. */
async function difference(one: Bytes, other: Bytes): Promise<number> {
  const [first, second] = await Promise.all(
    [one, other].map((bytes) =>
      sharp(bytes).removeAlpha().toColourspace('srgb').resize(24, 24, { fit: 'fill' }).raw().toBuffer(),
    ),
  );
  if (first === undefined || second === undefined) throw new Error('Nothing to compare.');
  return first.reduce((total, value, at) => total + Math.abs(value - (second[at] ?? 0)), 0) / first.length;
}
