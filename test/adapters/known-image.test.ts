import sharp from 'sharp';
import { expect, it } from 'vitest';
import { knownImage } from '../../adapters/aws/known-image.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { firstDirectory, openTiff } from '../../adapters/sharp/tiff-directory.ts';
import { type Preset, renditionGroups } from '../../core/presets.ts';
import { presetsFor } from '../../core/rendition.ts';

const ORIENTATION = 0x0112;

it('the known image matches its header', async () => {
  expect(await sharpImageCodec().open(knownImage.bytes)).toMatchObject({ outcome: 'open', header: knownImage.header });
  expect(knownImage.contentType).toBe('image/jpeg');
});

it('is a photo without private data', async () => {
  const { exif, xmp, iptc } = await sharp(knownImage.bytes).metadata();
  const tags = openTiff(exif?.subarray('Exif\0\0'.length) ?? new Uint8Array());
  expect(tags && [...firstDirectory(tags).keys()]).toEqual([ORIENTATION]);
  expect([xmp, iptc]).toEqual([undefined, undefined]);
  const { entropy } = await sharp(knownImage.bytes).stats();
  expect(entropy).toBeGreaterThan(5);
});

it('is stored sideways, so that a lost orientation is detected', () => {
  expect(knownImage.header.orientation).toBeGreaterThanOrEqual(5);
});

it('has a rendition in every format, so that each encoder is tested', () => {
  const presets = renditionGroups.flatMap((group) => group.presets);
  const formatsOf = (some: readonly Preset[]) => new Set(some.map(({ format }) => format));
  expect(formatsOf(presetsFor(knownImage.header, presets))).toEqual(formatsOf(presets));
});

it('adds little to the functions’ packages', () => {
  expect(knownImage.bytes.byteLength).toBeLessThan(10_000);
});
