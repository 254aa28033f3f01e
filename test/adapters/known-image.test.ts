import readExif from 'exif-reader';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { knownImage } from '../../adapters/known-image.ts';
import { sharpImageCodec } from '../../adapters/sharp-image-codec.ts';
import { renditionGroups } from '../../core/presets.ts';
import { presetsFor } from '../../core/rendition.ts';

it('the known image is what its header says', async () => {
  expect(await sharpImageCodec().inspect(knownImage.bytes)).toEqual({ outcome: 'readable', header: knownImage.header });
  expect(knownImage.contentType).toBe('image/jpeg');
});

it('is a photograph, with nothing private in it', async () => {
  const { exif, xmp, iptc } = await sharp(knownImage.bytes).metadata();
  expect(exif && readExif(exif)).toEqual({ bigEndian: false, Image: { Orientation: 6 } });
  expect([xmp, iptc]).toEqual([undefined, undefined]);
  const { entropy } = await sharp(knownImage.bytes).stats();
  expect(entropy).toBeGreaterThan(5);
});

it('lies on its side, so that a lost orientation is found out', () => {
  expect(knownImage.header.orientation).toBeGreaterThanOrEqual(5);
});

it('every preset applies to it, so that each is probed', () => {
  const presets = renditionGroups.flatMap((group) => group.presets);
  expect(presetsFor(knownImage.header, presets)).toEqual(presets);
});

it('stays small in the functions’ packages', () => {
  expect(knownImage.bytes.byteLength).toBeLessThan(10_000);
});
