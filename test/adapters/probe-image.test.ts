import sharp from 'sharp';
import { expect, it } from 'vitest';
import { probeImage } from '../../adapters/probe-image.ts';
import { sharpImageCodec } from '../../adapters/sharp-image-codec.ts';
import { renditionGroups } from '../../core/presets.ts';
import { presetsFor } from '../../core/rendition.ts';

it('the probe’s picture is what its header says', async () => {
  expect(await sharpImageCodec().inspect(probeImage.bytes)).toEqual({ outcome: 'readable', header: probeImage.header });
  expect(probeImage.contentType).toBe('image/jpeg');
});

it('the probe’s picture is a photograph, with nothing private in it', async () => {
  const { exif, xmp, iptc } = await sharp(probeImage.bytes).metadata();
  expect([exif, xmp, iptc]).toEqual([undefined, undefined, undefined]);
  const { entropy } = await sharp(probeImage.bytes).stats();
  expect(entropy).toBeGreaterThan(5);
});

it('every preset applies to it, so that each is probed', () => {
  const presets = renditionGroups.flatMap((group) => group.presets);
  expect(presetsFor(probeImage.header, presets)).toEqual(presets);
});

it('it stays small in the function’s package', () => {
  expect(probeImage.bytes.byteLength).toBeLessThan(10_000);
});
