import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import sharp, { type Exif, type Sharp } from 'sharp';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import type { ImageHeader } from '../../core/metadata.ts';
import type { Bytes } from '../../core/ports.ts';
import type { Preset } from '../../core/presets.ts';
import { presetsFor } from '../../core/rendition.ts';
import { flatAndClear } from '../hostile/containers/flat.ts';
import { tiffOfChannels, tiffOfTiles } from '../hostile/containers/tiff.ts';
import { examplePresets } from '../support/example-presets.ts';
import { openImage } from '../support/open-image.ts';
import { type Raster, ssim } from '../support/ssim.ts';

const codec = sharpImageCodec();
const widestPreset = Math.max(...examplePresets.map(({ width }) => width));
const orientations = [1, 2, 3, 4, 5, 6, 7, 8];

// Nearly lossless, so that any difference comes from the decoder or the pyramid.
const exact = (width: number): Preset => ({ name: `exact-${width}`, format: 'jpeg', width, quality: 100 });

describe('an upload’s format is detected by content', () => {
  it.each([
    ['jpeg', 'photos/rocket.jpg', { width: 640, height: 427, frames: 1, hasAlpha: false, colourSpace: 'srgb' }],
    ['jpeg', 'formats/cmyk.jpg', { colourSpace: 'cmyk' }],
    ['png', 'formats/alpha.png', { hasAlpha: true }],
    ['png', 'formats/sixteen-bit.png', { colourSpace: 'rgb16' }],
    ['webp', 'formats/animated-9-frames.webp', { frames: 9 }],
    ['avif', 'formats/sequence.avif', { width: 4096, height: 800, frames: 1 }],
    ['gif', 'formats/animated-5-frames.gif', { frames: 5 }],
    ['tiff', 'formats/cmyk-alpha.tiff', { colourSpace: 'cmyk', hasAlpha: true }],
  ])('%s: %s', async (format, file, expected) => {
    expect(await headerOf(await fixture(file))).toMatchObject({ format, orientation: 1, ...expected });
  });

  it('distinguishes progressive from baseline JPEGs', async () => {
    const photo = await fixture('photos/rocket.jpg');
    const progressive = await bytesOf(sharp(photo).jpeg({ progressive: true }));
    expect([(await headerOf(photo)).progressive, (await headerOf(progressive)).progressive]).toEqual([false, true]);
  });

  it.each([['formats/drawing.svg', /SVG/]])(
    '%s is rejected with its format and the supported formats',
    async (file, words) => {
      const rejection = await codec.open(await fixture(file));
      expect(rejection).toMatchObject({ outcome: 'rejected', reason: 'unsupported-format' });
      expect(rejection).toMatchObject({ message: expect.stringMatching(words) });
      expect(rejection).toMatchObject({
        message: expect.stringContaining('Supported formats: JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF, BMP and ICO'),
      });
    },
  );

  it.each([
    ['a PDF', '%PDF-1.7\n', /PDF/],
    ['a JPEG XL', '\xff\x0a\x00\x10', /JPEG XL/],
    ['a video', '\0\0\0\x18ftypmp42\0\0\0\0isommp42', /video/],
    ['a HEIC sequence', '\0\0\0\x18ftypmsf1\0\0\0\0msf1heic', /HEIC image sequence/],
    ['a phone’s edits beside a photo', '<?xml version="1.0"?><!DOCTYPE plist><plist version="1.0"/>', /XML/],
    ['XHTML', '<?xml version="1.0"?><!-- <svg> --><html xmlns="http://www.w3.org/1999/xhtml"/>', /web page/],
    ['an SVG with a namespace prefix', '<?xml version="1.0"?><svg:svg/>', /SVG/],
    ['an SVG behind an XML declaration and a byte-order mark', '\xef\xbb\xbf <?xml version="1.0"?><svg/>', /SVG/],
    ['a web page', '<!doctype html><html></html>', /web page/],
    ['noise', 'not an image at all', /don't recognise this file as an image/],
    ['one byte', '\xff', /don't recognise this file as an image/],
  ])('%s is rejected', async (_, text, words) => {
    expect(await codec.open(latin1(text))).toMatchObject({
      reason: 'unsupported-format',
      message: expect.stringMatching(words),
    });
  });

  it('an SVG in disguise reaches no decoder, not even libvips’ own', async () => {
    const drawing = await fixture('formats/drawing.svg');
    await expect(sharp(drawing).metadata()).rejects.toThrow('unsupported image format');
    await expect(sharp('test/fixtures/photos/rocket.jpg').metadata()).rejects.toThrow();
    expect(await codec.open(concat(latin1('\xff\xd8\xff'), drawing))).toMatchObject({ reason: 'corrupt' });
  });

  it('reports the size of a decompression bomb without decoding it', async () => {
    const bomb = await fixture('photos/rocket.jpg');
    const sizeAt = startOfFrame(bomb);
    bomb.set([0xff, 0xdc, 0xff, 0xdc], sizeAt);
    expect(await headerOf(bomb)).toMatchObject({ width: 65_500, height: 65_500 });
  });
});

describe('a sound TIFF in parts that are too large for its decoder is not called damaged', () => {
  it.each([
    ['tiles', async () => tiffOfTiles({ width: 5_000, height: 5_000, bits: 16, samples: 4 }, 5_008)],
    [
      'strips of 134 MB',
      () => flatAndClear(65_535, 500).toColourspace('rgb16').tiff({ compression: 'deflate' }).toBuffer(),
    ],
  ])('%s', async (_, make) => {
    const image = await codec.open(new Uint8Array(await make()));
    const verdict = image.outcome === 'open' ? await image.portray() : image;
    expect(verdict).toMatchObject({
      outcome: 'rejected',
      reason: 'unsupported-format',
      message: expect.stringContaining('smaller ones'),
    });
  });
});

describe('renditions look like the upload', () => {
  it('all eight EXIF orientations give the same upright image and the same thumbhash', async () => {
    const presets = [exact(320)];
    const upright = await rendered(await fixture('exif-orientation/portrait-1.jpg'), presets);
    for (const orientation of orientations) {
      const bytes = await fixture(`exif-orientation/portrait-${orientation}.jpg`);
      expect((await headerOf(bytes)).orientation).toBe(orientation);
      const picture = await rendered(bytes, presets);
      expect([orientation, picture.width, picture.height]).toEqual([orientation, 320, 480]);
      expect([orientation, ssim(picture, upright) > 0.97]).toEqual([orientation, true]);
      expect(await portrait(bytes)).toMatchObject({ thumbhash: expect.stringMatching(/^pu/) });
    }
  });

  it.each(['webp', 'png', 'tiff'] as const)('applies the orientation of a %s, too', async (format) => {
    const original = sharp(await fixture('photos/rocket.jpg'));
    const bytes = await bytesOf(original.clone().withMetadata({ orientation: 6 }).toFormat(format));
    const turned = await rasterOf(sharp(await bytesOf(original.clone().rotate(90))).resize(320));
    expect(ssim(await rendered(bytes, [exact(320)]), turned)).toBeGreaterThan(0.95);
  });

  const pyramids = new Map<string, ReturnType<typeof renderedAll>>();
  /** All sizes at once, so that the smallest passes through the whole pyramid. */
  const pyramidOf = (name: string) => {
    const pyramid = pyramids.get(name) ?? renderedPyramid(name);
    pyramids.set(name, pyramid);
    return pyramid;
  };
  const renderedPyramid = async (name: string) => {
    const bytes = await fixture(`photos/${name}.jpg`);
    return renderedAll(bytes, presetsFor(await headerOf(bytes), [320, 640, 1280, 1920].map(exact)));
  };
  it.each([
    ['book-d90-12mp', 320],
    ['book-d90-12mp', 640],
    ['book-d90-12mp', 1280],
    ['book-d90-12mp', 1920],
    ['rocket', 320],
    ['rocket', 640],
  ])('%s at %i px looks like Pillow’s scaling of the whole photo', async (name, width) => {
    const { bytes } = (await pyramidOf(name)).find(({ preset }) => preset.width === width) ?? {};
    const picture = await rasterOf(sharp(bytes));
    const reference = await rasterOf(sharp(await fixture(`pyramid/${name}-${width}.png`)));
    expect(ssim(middleOf(picture, reference), reference)).toBeGreaterThan(0.985);
  });

  it('16 bits become 8 without a shift in tone', async () => {
    const eight = sharp(await fixture('photos/rocket.jpg')).resize(64);
    const sixteen = await bytesOf(eight.clone().toColourspace('rgb16').png());
    expect((await headerOf(sixteen)).colourSpace).toBe('rgb16');
    expect(ssim(await rendered(sixteen, [exact(320)]), await rasterOf(eight))).toBeGreaterThan(0.99);
  });

  it('transparency is kept in WebP and AVIF, and becomes white in JPEG', async () => {
    const bytes = await bytesOf(
      sharp({ create: { width: 64, height: 64, channels: 4, background: '#ff000000' } }).png(),
    );
    const pictures = await renderedAll(bytes, examplePresets);
    for (const { preset, bytes: picture } of pictures) {
      const { channels, data } = await rasterOf(sharp(picture));
      const corner = [...data.subarray(0, channels)];
      expect([preset.format, corner.slice(3)]).toEqual([preset.format, preset.format === 'jpeg' ? [] : [0]]);
      if (preset.format === 'jpeg') expect(corner).toEqual([255, 255, 255]);
    }
  });

  it.each(['formats/animated-9-frames.webp', 'formats/animated-5-frames.gif', 'formats/sequence.avif'])(
    'only the first frame of %s is rendered',
    async (file) => {
      for (const { bytes } of await renderedAll(await fixture(file), examplePresets)) {
        expect((await sharp(bytes).metadata()).pages ?? 1).toBe(1);
      }
    },
  );
});

describe('colours become sRGB', () => {
  it.each(['#c83219', '#008000', '#6699cc'])('%s from Display P3, with 8 and 16 bits per channel', async (srgb) => {
    const p3 = displayP3Of(rgbOf(srgb));
    const flat = sharp({ create: { width: 32, height: 32, channels: 3, background: srgb } });
    const eight = await bytesOf(flat.clone().withIccProfile('p3').png());
    const sixteen = await bytesOf(flat.clone().toColourspace('rgb16').withIccProfile('p3').png());
    for (const bytes of [eight, sixteen]) {
      expectClose(await storedCornerOf(bytes), p3, 1);
      expectClose((await rendered(bytes, [exact(320)])).data, rgbOf(srgb), 2);
    }
  });

  it('16 bits without a profile are sRGB', async () => {
    const flat = sharp({ create: { width: 32, height: 32, channels: 3, background: '#c83219' } });
    const bytes = await bytesOf(flat.toColourspace('rgb16').png());
    expectClose((await rendered(bytes, [exact(320)])).data, rgbOf('#c83219'), 2);
  });

  it('ProPhoto RGB', async () => {
    // (131, 141, 192) by the published primaries and gamma 1.8, adapted from D50 (Bradford).
    expectClose((await rendered(await fixture('formats/prophoto-1px.png'), [exact(320)])).data, [117, 160, 210], 3);
  });

  it.each([
    ['paper', [0, 0, 0, 0], [255, 255, 255], 1],
    ['cyan', [255, 0, 0, 0], [0, 158, 224], 12],
    ['magenta', [0, 255, 0, 0], [229, 0, 125], 12],
    ['yellow', [0, 0, 255, 0], [255, 237, 0], 12],
    ['black', [0, 0, 0, 255], [29, 29, 27], 30],
  ] as const)('CMYK without a profile: %s nearly as in FOGRA39', async (_, ink, colour, tolerance) => {
    for (const bytesPerInk of [1, 2] as const) {
      const bytes = cmykTiff(32, ink, bytesPerInk);
      expect((await headerOf(bytes)).colourSpace).toBe('cmyk');
      expectClose((await rendered(bytes, [exact(320)])).data, colour, tolerance);
    }
  });

  it('a CMYK photo is not inverted', async () => {
    const { data } = await rendered(await fixture('formats/cmyk.jpg'), [exact(320)]);
    expect((await portrait(await fixture('formats/cmyk.jpg'))).dominantColour).toMatch(/^#0/);
    expect(data.reduce((sum, value) => sum + value, 0) / data.length).toBeLessThan(140);
  });
});

describe('channels besides colours and transparency are ignored', () => {
  const cases = ([8, 16] as const).flatMap((bits) =>
    ([1, 3] as const).flatMap((colours) => [1, 2, 3].map((extra) => [bits, colours, extra] as const)),
  );
  it.each(cases)('%i bits, %i colours and %i more', async (bits, colours, extra) => {
    const bytes = new Uint8Array(tiffOfChannels(colours, extra, bits));
    if (colours + extra > 5) {
      expect(await codec.open(bytes)).toMatchObject({
        reason: 'unsupported-format',
        message: expect.stringContaining('at most two extra channels'),
      });
      return;
    }
    const hasAlpha = extra === 1;
    const pictures = await renderedAll(
      bytes,
      examplePresets.filter(({ format }) => format === 'webp'),
    );
    for (const { bytes: picture } of pictures) expect(await sharp(picture).metadata()).toMatchObject({ hasAlpha });
    // Neither mistakes a mask for a colour.
    expect(await portrait(bytes)).toMatchObject({ dominantColour: hasAlpha ? '#ffffff' : '#404040' });
  });

  it('integers of 32 bits, of which libvips keeps only the highest, are refused', async () => {
    expect(await codec.open(new Uint8Array(tiffOfChannels(3, 1, 32)))).toMatchObject({ reason: 'unsupported-format' });
  });
});

describe('renditions contain nothing private', () => {
  it('no EXIF, GPS, XMP, IPTC or profile in any preset', async () => {
    const photo = await fixture('photos/flowers-iphone5-gps-small.jpg');
    const described = sharp(photo)
      .resize(160)
      .keepExif()
      .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><secret/></x:xmpmeta>')
      .withIccProfile('p3');
    for (const format of ['jpeg', 'png', 'webp', 'avif'] as const) {
      const bytes = await bytesOf(described.clone().toFormat(format));
      const before = await sharp(bytes).metadata();
      expect([format, before.exif !== undefined, before.icc !== undefined]).toEqual([format, true, true]);
      for (const { preset, bytes: picture } of await renderedAll(bytes, examplePresets)) {
        const { exif, xmp, iptc, icc, comments } = await sharp(picture).metadata();
        expect([format, preset.name, { exif, xmp, iptc, icc, comments }]).toEqual([format, preset.name, {}]);
        expect(Buffer.from(picture).includes('iPhone')).toBe(false);
      }
    }
  });
});

describe('sizes', () => {
  it('never enlarges, and keeps the presets’ order', async () => {
    const bytes = await fixture('photos/rocket.jpg');
    const shuffled = [640, 320, 1280].map(exact);
    expect(
      (await renderedAll(bytes, shuffled)).map(({ preset, width, height }) => [preset.name, width, height]),
    ).toEqual([
      ['exact-640', 640, 427],
      ['exact-320', 320, 214],
      ['exact-1280', 640, 427],
    ]);
  });

  it.each([
    ['tall', 100, 20_000, 81, 16_200],
    ['a column of one pixel', 1, 17_000, 1, 16_383],
    ['wide', 20_000, 100, widestPreset, Math.round(widestPreset / 200)],
    ['a row of one pixel', 17_000, 1, widestPreset, 1],
    ['a single pixel', 1, 1, 1, 1],
  ])('%s images fit into every format', async (_, width, height, widest, highest) => {
    const bytes = await bytesOf(
      sharp({ create: { width, height, channels: 3, background: '#808000' }, limitInputPixels: false }).png(),
    );
    const pictures = await renderedAll(bytes, examplePresets);
    expect(new Set(pictures.map(({ preset }) => preset.format))).toEqual(new Set(['webp', 'jpeg', 'avif']));
    for (const picture of pictures) {
      const { width: real, height: realHeight } = await sharp(picture.bytes).metadata();
      expect([real, realHeight]).toEqual([picture.width, picture.height]);
    }
    expect(Math.max(...pictures.map((picture) => picture.width))).toBe(widest);
    expect(Math.max(...pictures.map((picture) => picture.height))).toBe(highest);
  });

  it('renders nothing for no presets', async () => {
    expect(await renderedAll(await fixture('photos/rocket.jpg'), [])).toEqual([]);
  });

  it('produces the same bytes every time', async () => {
    const bytes = await fixture('photos/rocket.jpg');
    const [once, again] = [await renderedAll(bytes, examplePresets), await renderedAll(bytes, examplePresets)];
    expect(
      once.map((picture) => Buffer.compare(picture.bytes, again[once.indexOf(picture)]?.bytes ?? Buffer.of())),
    ).toEqual(once.map(() => 0));
  });
});

describe('damaged files are accepted or rejected, by both workers alike', () => {
  const whole = fixture('photos/rocket.jpg');
  const share = (bytes: Bytes, part: number) => bytes.slice(0, Math.round(bytes.length * part));

  it.each([
    ['whole', (bytes: Bytes) => bytes, 'sound'],
    ['with a web page after its end', (bytes: Bytes) => concat(bytes, latin1('<html>')), 'sound'],
    ['without its end marker', (bytes: Bytes) => bytes.slice(0, -2), 'damaged'],
    ['with its last rows lost', (bytes: Bytes) => share(bytes, 0.96), 'damaged'],
    ['truncated at three quarters', (bytes: Bytes) => share(bytes, 0.75), 'rejected'],
    ['truncated at a third', (bytes: Bytes) => share(bytes, 0.33), 'rejected'],
  ])('a JPEG %s', async (_, harm, expected) => {
    expect(await verdicts(harm(await whole))).toEqual(expected);
  });

  it.each([
    ['without its end marker', 0.9999, 'damaged'],
    ['truncated at half', 0.5, 'rejected'],
  ])('a CMYK JPEG %s', async (_, part, expected) => {
    expect(await verdicts(share(await fixture('formats/cmyk.jpg'), part))).toEqual(expected);
  });

  it.each([
    ['without its end marker', 0.9999, 'damaged'],
    ['truncated within its last refinement', 0.9, 'damaged'],
    ['truncated at half', 0.5, 'rejected'],
    ['truncated at a fifth', 0.2, 'rejected'],
  ])('a progressive JPEG %s', async (_, part, expected) => {
    expect(await verdicts(share(await bytesOf(sharp(await whole).jpeg({ progressive: true })), part))).toEqual(
      expected,
    );
  });

  it.each(['png', 'webp', 'avif', 'tiff', 'gif'] as const)('a %s truncated at a third', async (format) => {
    expect(
      await verdicts(
        share(
          await bytesOf(
            sharp(await whole)
              .resize(320)
              .toFormat(format),
          ),
          0.33,
        ),
      ),
    ).toBe('rejected');
  });

  it('a file truncated anywhere never throws, and both workers agree', async () => {
    const formats = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const;
    for (const format of formats) {
      const bytes = await bytesOf(
        sharp(await whole)
          .resize(120)
          .toFormat(format),
      );
      for (let part = 0; part < 1; part += 0.06) {
        expect([format, part, await verdicts(share(bytes, part))]).not.toContain('at odds');
      }
    }
  });

  it('reports how much is missing', async () => {
    const bytes = await fixture('formats/truncated.jpg');
    expect(await (await openImage(codec, bytes)).render(examplePresets)).toMatchObject({
      outcome: 'rejected',
      reason: 'corrupt',
      message: expect.stringMatching(/truncated: about 9\d% of the image is missing/),
    });
  });

  const pngSuite = readdirSync('test/fixtures/pngsuite');
  it.each(pngSuite.filter((name) => name.startsWith('x')))('PngSuite’s corrupt %s is rejected', async (name) => {
    expect(await verdicts(await fixture(`pngsuite/${name}`))).toBe('rejected');
  });
  // The others each take as long; `npm run lab -- prove hostile` runs all of them.
  const sample = pngSuite.filter((name) => !name.startsWith('x')).filter((_, index) => index % 6 === 0);
  it.each(sample)('PngSuite’s %s is accepted', async (name) => {
    expect(await verdicts(await fixture(`pngsuite/${name}`))).toBe('sound');
  });

  describe('errors of the machine are not blamed on the file', () => {
    afterEach(() => vi.restoreAllMocks());

    it.each([
      'vips_tracked: out of memory -- size == 114MB',
      'Input buffer has corrupt header: vips_tracked: out of memory -- size == 114MB',
      'VipsJpeg: Insufficient memory (case 4)',
      'source: bad seek to 87233\nheif: Invalid input: Unspecified: Memory allocation error (2.0)',
      'heif: Memory allocation error: Unspecified: Memory allocation error: Unspecified: Allocating 29203215 bytes failed (6.0)',
      'Array buffer allocation failed',
      'std::bad_alloc',
      'unable to create thread',
    ])('%s: throws, so that the task is retried', async (message) => {
      const image = await openImage(codec, await whole);
      vi.spyOn(sharp.prototype, 'toBuffer').mockRejectedValue(new Error(message));
      vi.spyOn(sharp.prototype, 'metadata').mockRejectedValue(new Error(message));
      await expect(codec.open(await whole)).rejects.toThrow(message);
      await expect(image.portray()).rejects.toThrow(message);
      await expect(image.render(examplePresets)).rejects.toThrow(message);
    });
  });

  it.each([
    'Out of memory reading of "RichTIFFIPTC"; tag ignored',
    'Requested memory size for tag 33723 (0x83bb) 2113929215 is greater than filesize 146. Memory not allocated, tag not read',
    'TIFFReadDirectory: Cannot allocate memory for strip "std::bad_alloc"',
    'heif: Memory allocation error: Security limit exceeded: Image size 90000x90000 exceeds the maximum image size (6.1000)',
  ])('a decoder’s words about the file are not taken for an error of the machine: %s', async (message) => {
    const image = await openImage(codec, await whole);
    vi.spyOn(sharp.prototype, 'toBuffer').mockRejectedValue(new Error(message));
    expect(await image.portray()).toMatchObject({ outcome: 'rejected', reason: 'corrupt' });
    vi.restoreAllMocks();
  });

  it('a bug is not blamed on the image', async () => {
    const image = await openImage(codec, await fixture('photos/rocket.jpg'));
    const nonsense: Preset = { name: 'nonsense', format: 'webp', width: 100, quality: 500 };
    await expect(image.render([nonsense])).rejects.toThrow('quality');
  });
});

describe('a portrait', () => {
  it('contains camera, capture time and location of a phone’s photo', async () => {
    expect(await portrait(await fixture('photos/flowers-iphone5-gps-small.jpg'))).toMatchObject({
      outcome: 'portrayed',
      camera: { make: 'Apple', model: 'iPhone 5' },
      capturedAt: '2012-09-29T16:11:25',
      location: { latitude: 47.627167, longitude: -122.337333 },
      damaged: false,
    });
  });

  it('omits a broken EXIF block, and the image is not damaged', async () => {
    const bytes = await fixture('photos/flowers-iphone5-gps-small.jpg');
    const tiffHeader = Buffer.from(bytes).indexOf('Exif\0\0') + 6;
    bytes.fill(0xff, tiffHeader, tiffHeader + 64);
    const described = await portrait(bytes);
    expect(described).toMatchObject({ outcome: 'portrayed', damaged: false });
    expect(described.camera ?? described.capturedAt ?? described.location).toBeUndefined();
  });

  it('distinguishes south from north, and keeps the offset that a camera wrote', async () => {
    const bytes = await withExif({
      IFD2: { DateTimeOriginal: '2024:05:06 07:08:09', OffsetTimeOriginal: '+10:00' },
      IFD3: {
        GPSLatitudeRef: 'S',
        GPSLatitude: '33/1 51/1 30/1',
        GPSLongitudeRef: 'E',
        GPSLongitude: '151/1 12/1 0/1',
      },
    });
    expect(await portrait(bytes)).toMatchObject({
      capturedAt: '2024-05-06T07:08:09+10:00',
      location: { latitude: -33.858333, longitude: 151.2 },
    });
  });

  it.each([
    ['beyond the pole', { GPSLatitudeRef: 'S', GPSLatitude: '91/1 0/1 0/1' }],
    ['of an unknown hemisphere', { GPSLatitudeRef: 'X', GPSLatitude: '33/1 0/1 0/1' }],
    ['divided by zero', { GPSLatitudeRef: 'S', GPSLatitude: '33/0 0/0 0/0' }],
    ['incomplete', {}],
  ])('omits a location that is %s', async (_, latitude) => {
    const bytes = await withExif({ IFD3: { ...latitude, GPSLongitudeRef: 'E', GPSLongitude: '151/1 12/1 0/1' } });
    expect((await portrait(bytes)).location).toBeUndefined();
  });

  it('cleans and shortens the camera’s name', async () => {
    const bytes = await withExif({ IFD0: { Make: ' A\tB ', Model: 'M'.repeat(9_000) } });
    expect((await portrait(bytes)).camera).toEqual({ make: 'A B', model: 'M'.repeat(64) });
  });

  it.each([
    ['#3366cc', '#3366cc'],
    ['#00000000', '#ffffff'],
  ])('reports %s as %s', async (background, colour) => {
    const bytes = await bytesOf(sharp({ create: { width: 300, height: 200, channels: 4, background } }).png());
    expect(await portrait(bytes)).toMatchObject({ dominantColour: colour });
  });
});

// ── ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

async function fixture(name: string): Promise<Bytes> {
  return new Uint8Array(await readFile(`test/fixtures/${name}`));
}

async function withExif(exif: Exif): Promise<Bytes> {
  return bytesOf(
    sharp(await fixture('photos/rocket.jpg'))
      .withExif(exif)
      .jpeg(),
  );
}

async function bytesOf(picture: Sharp): Promise<Bytes> {
  return new Uint8Array(await picture.toBuffer());
}

async function rasterOf(picture: Sharp): Promise<Raster> {
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: info.channels, data };
}

async function storedCornerOf(bytes: Bytes): Promise<Uint8Array> {
  return (await rasterOf(sharp(bytes, { ignoreIcc: true }))).data.subarray(0, 3);
}

async function headerOf(bytes: Bytes): Promise<ImageHeader> {
  return (await openImage(codec, bytes)).header;
}

async function renderedAll(bytes: Bytes, presets: readonly Preset[]) {
  const result = await (await openImage(codec, bytes)).render(presets);
  if (result.outcome === 'rejected') throw new Error(result.message);
  return result.renditions;
}

async function rendered(bytes: Bytes, presets: readonly Preset[], name = presets[0]?.name): Promise<Raster> {
  const picture = (await renderedAll(bytes, presets)).find(({ preset }) => preset.name === name);
  if (!picture) throw new Error(`no rendition ${name}`);
  return rasterOf(sharp(picture.bytes));
}

async function portrait(bytes: Bytes) {
  const result = await (await openImage(codec, bytes)).portray();
  if (result.outcome === 'rejected') throw new Error(result.message);
  return result;
}

// Two workers that decode every pixel, and take little time to encode.
const quickGroups: readonly (readonly Preset[])[] = [
  [
    { name: 'webp-320', format: 'webp', width: 320, quality: 80, effort: 0 },
    { name: 'webp-1280', format: 'webp', width: 1280, quality: 80, effort: 0 },
  ],
  [{ name: 'jpeg-1280', format: 'jpeg', width: 1280, quality: 80 }],
];

/** The workers' verdict on a file. */
async function verdicts(bytes: Bytes): Promise<'sound' | 'damaged' | 'rejected' | 'at odds'> {
  const image = await codec.open(bytes);
  if (image.outcome === 'rejected') return 'rejected';
  const portrayed = await image.portray();
  const results = await Promise.all(quickGroups.map((presets) => image.render(presetsFor(image.header, presets))));
  const refusals = [portrayed, ...results].filter(({ outcome }) => outcome === 'rejected').length;
  if (refusals > 0) return refusals === results.length + 1 ? 'rejected' : 'at odds';
  return portrayed.outcome === 'portrayed' && portrayed.damaged ? 'damaged' : 'sound';
}

function middleOf({ width, height, channels, data }: Raster, size: Pick<Raster, 'width' | 'height'>): Raster {
  const left = Math.floor((width - size.width) / 2);
  const top = Math.floor((height - size.height) / 2);
  const rows = Array.from({ length: size.height }, (_, y) => {
    const start = ((top + y) * width + left) * channels;
    return data.subarray(start, start + size.width * channels);
  });
  return { width: size.width, height: size.height, channels, data: Buffer.concat(rows) };
}

function expectClose(actual: Uint8Array, expected: readonly number[], tolerance: number): void {
  const far = expected.filter((value, at) => Math.abs(value - (actual[at] ?? Number.NaN)) > tolerance);
  expect({ actual: [...actual.subarray(0, 3)], expected, far }).toEqual({
    actual: expect.anything(),
    expected,
    far: [],
  });
}

function rgbOf(hex: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

/** By the matrix of CSS Color 4, section 17 (linear sRGB to linear Display P3); both have the same transfer curve. */
function displayP3Of(srgb: readonly number[]): number[] {
  const [red = 0, green = 0, blue = 0] = srgb.map((value) =>
    value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
  );
  return [
    0.8224619687 * red + 0.1775380313 * green,
    0.0331941989 * red + 0.9668058011 * green,
    0.0170826307 * red + 0.0723974407 * green + 0.9105199286 * blue,
  ].map((value) => Math.round(255 * (value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055)));
}

function latin1(text: string): Bytes {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function concat(...parts: readonly Uint8Array[]): Bytes {
  return new Uint8Array(Buffer.concat(parts));
}

/** The offset of a baseline JPEG's height and width. */
function startOfFrame(bytes: Bytes): number {
  return Buffer.from(bytes).indexOf(Buffer.of(0xff, 0xc0, 0x00, 0x11)) + 5;
}

/** A minimal CMYK TIFF (TIFF 6.0, section 16): sharp cannot write given CMYK values. */
function cmykTiff(side: number, ink: readonly number[], bytesPerInk: 1 | 2): Bytes {
  // Two bytes of 255 are 65,535.
  const data = Buffer.alloc(
    side * side * 4 * bytesPerInk,
    Uint8Array.from(ink.flatMap((value) => Array(bytesPerInk).fill(value))),
  );
  const entriesAt = 10;
  const bitsAt = entriesAt + 9 * 12 + 4;
  const dataAt = bitsAt + 8;
  const [SHORT, LONG] = [3, 4];
  const entries = [
    [256, LONG, 1, side],
    [257, LONG, 1, side],
    [258, SHORT, 4, bitsAt],
    [259, SHORT, 1, 1],
    [262, SHORT, 1, 5],
    [273, LONG, 1, dataAt],
    [277, SHORT, 1, 4],
    [278, LONG, 1, side],
    [279, LONG, 1, data.length],
  ] as const;
  const head = Buffer.alloc(dataAt);
  head.write('II*\0', 'latin1');
  head.writeUInt32LE(8, 4);
  head.writeUInt16LE(entries.length, 8);
  entries.forEach(([tag, type, count, value], index) => {
    const at = entriesAt + index * 12;
    head.writeUInt16LE(tag, at);
    head.writeUInt16LE(type, at + 2);
    head.writeUInt32LE(count, at + 4);
    head.writeUInt32LE(value, at + 8);
  });
  for (let channel = 0; channel < 4; channel += 1) head.writeUInt16LE(8 * bytesPerInk, bitsAt + channel * 2);
  return concat(head, data);
}
