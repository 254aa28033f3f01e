import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { avif, avifItems, box, ispe } from './containers/avif.ts';
import { flat } from './containers/flat.ts';
import { jpegSegment, jpegWith } from './containers/jpeg.ts';
import { patched, u32be } from './containers/numbers.ts';
import { pngChunk, pngWith } from './containers/png.ts';
import { tiffWithProfile } from './containers/tiff.ts';
import { webp, webpChunk, webpHeader, webpPicture } from './containers/webp.ts';
import { canary, type Maker } from './hostile-file.ts';

/** Colour profiles (ICC.1) that do not match their image, or are invalid. */
export async function oddProfiles(): Promise<readonly Maker[]> {
  const rgb = await profileNamed('srgb');
  const text = (at: number, value: string) => patched(rgb, at, Buffer.from(value));
  const profiles: readonly (readonly [string, Buffer])[] = [
    ['for CMYK', await profileNamed('cmyk')],
    ['for a wide gamut', await profileNamed('p3')],
    ['that claims to be for grey', text(16, 'GRAY')],
    ['that claims to be for Lab', text(16, 'Lab ')],
    ['that claims to be for fifteen inks', text(16, 'FCLR')],
    ['that claims to be a device link', text(12, 'link')],
    ['of version 4', patched(rgb, 8, Buffer.from([4, 0x40]))],
    ['of version 9', patched(rgb, 8, Buffer.from([9]))],
    ['of zero bytes', Buffer.alloc(0)],
    ['of zeros', Buffer.alloc(3_000)],
    ['of text', Buffer.from(canary.repeat(99))],
    ['truncated in its header', rgb.subarray(0, 60)],
    ['truncated in its table', rgb.subarray(0, 140)],
    ['truncated in its curves', rgb.subarray(0, rgb.length - 100)],
    ['that claims to be four gigabytes', patched(rgb, 0, u32be(2 ** 32 - 1))],
    ['that claims to have four billion tags', patched(rgb, 128, u32be(2 ** 32 - 1))],
    ['whose tags are beyond its end', patched(rgb, 136, u32be(2 ** 31))],
    ['of four megabytes', huge(rgb)],
  ];
  return profiles.flatMap(([name, profile]) =>
    Object.entries(holders).map(([type, hold]): Maker => [`a profile ${name}.${type}`, () => hold(profile)]),
  );
}

/** An image of each kind that can contain a profile. */
export const holders = {
  jpg: async (profile: Buffer) => jpegWith(await flat(40).jpeg().toBuffer(), inSegments(profile)),
  'grey.jpg': async (profile: Buffer) =>
    jpegWith(await flat(40).toColourspace('b-w').jpeg().toBuffer(), inSegments(profile)),
  'cmyk.jpg': async (profile: Buffer) =>
    jpegWith(await flat(40).toColourspace('cmyk').jpeg().toBuffer(), inSegments(profile)),
  png: async (profile: Buffer) => pngWith(await flat(40).png().toBuffer(), inChunk(profile)),
  'grey.png': async (profile: Buffer) =>
    pngWith(await flat(40).toColourspace('b-w').png().toBuffer(), inChunk(profile)),
  webp: async (profile: Buffer) =>
    webp([
      webpHeader(32, 40, 40),
      webpChunk('ICCP', profile),
      webpPicture(await flat(40).webp({ lossless: true }).toBuffer()),
    ]),
  tiff: async (profile: Buffer) => tiffWithProfile(profile),
  avif: async (profile: Buffer) => {
    const [item] = avifItems(await flat(40).avif().toBuffer());
    if (item === undefined) throw new Error('The AVIF has no image.');
    const colour = box('colr', Buffer.from('prof'), profile);
    return avif([{ type: 'av01', data: item.data, properties: [ispe(40, 40), ...item.properties, colour] }]);
  },
};

const MAX_BYTES_PER_SEGMENT = 65_519;

export function inSegments(profile: Buffer): Buffer {
  const count = Math.max(1, Math.ceil(profile.length / MAX_BYTES_PER_SEGMENT));
  const segments = Array.from({ length: count }, (_, index) => {
    const part = profile.subarray(index * MAX_BYTES_PER_SEGMENT, (index + 1) * MAX_BYTES_PER_SEGMENT);
    return jpegSegment(0xe2, Buffer.concat([Buffer.from('ICC_PROFILE\0'), Buffer.from([index + 1, count]), part]));
  });
  return Buffer.concat(segments);
}

export function inChunk(profile: Buffer): Buffer {
  return pngChunk('iCCP', Buffer.concat([Buffer.from('profile\0\0'), deflateSync(profile)]));
}

function huge(profile: Buffer): Buffer {
  const large = Buffer.concat([profile, Buffer.alloc(4_000_000)]);
  return patched(large, 0, u32be(large.length));
}

export async function profileNamed(name: string): Promise<Buffer> {
  const file = await flat(8).withIccProfile(name).jpeg().toBuffer();
  const { icc } = await sharp(file).metadata();
  if (icc === undefined) throw new Error(`sharp has no profile ${name}.`);
  return icc;
}
