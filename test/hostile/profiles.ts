import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { flat } from './containers/flat.ts';
import { jpegSegment, jpegWith } from './containers/jpeg.ts';
import { patched, u32be } from './containers/numbers.ts';
import { pngChunk, pngWith } from './containers/png.ts';
import { webp, webpChunk, webpHeader, webpPicture } from './containers/webp.ts';
import { canary, type Maker } from './hostile-file.ts';

/** Colour profiles (ICC.1) that do not fit their picture, or are none. */
export async function oddProfiles(): Promise<readonly Maker[]> {
  const rgb = await profileNamed('srgb');
  const text = (at: number, value: string) => patched(rgb, at, Buffer.from(value));
  const profiles: readonly (readonly [string, Buffer])[] = [
    ['for ink', await profileNamed('cmyk')],
    ['for a wide gamut', await profileNamed('p3')],
    ['that says it is for grey', text(16, 'GRAY')],
    ['that says it is for Lab', text(16, 'Lab ')],
    ['that says it is for fifteen inks', text(16, 'FCLR')],
    ['that says it is a link of two', text(12, 'link')],
    ['of version 4', patched(rgb, 8, Buffer.from([4, 0x40]))],
    ['of version 9', patched(rgb, 8, Buffer.from([9]))],
    ['of nothing', Buffer.alloc(0)],
    ['of zeros', Buffer.alloc(3_000)],
    ['of nonsense', Buffer.from(canary.repeat(99))],
    ['torn in its header', rgb.subarray(0, 60)],
    ['torn in its table', rgb.subarray(0, 140)],
    ['torn in its curves', rgb.subarray(0, rgb.length - 100)],
    ['that says it has four gigabytes', patched(rgb, 0, u32be(2 ** 32 - 1))],
    ['with four thousand million tags', patched(rgb, 128, u32be(2 ** 32 - 1))],
    ['whose tags stand behind its end', patched(rgb, 136, u32be(2 ** 31))],
    ['of four megabytes', huge(rgb)],
  ];
  return profiles.flatMap(([name, profile]) =>
    Object.entries(holders).map(([type, hold]): Maker => [`a profile ${name}.${type}`, () => hold(profile)]),
  );
}

/** A picture of each kind that has a place for one. */
const holders = {
  jpg: async (profile: Buffer) => jpegWith(await flat(40).jpeg().toBuffer(), inSegments(profile)),
  'grey.jpg': async (profile: Buffer) =>
    jpegWith(await flat(40).toColourspace('b-w').jpeg().toBuffer(), inSegments(profile)),
  'ink.jpg': async (profile: Buffer) =>
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
};

const MOST_IN_A_SEGMENT = 65_519;

function inSegments(profile: Buffer): Buffer {
  const count = Math.max(1, Math.ceil(profile.length / MOST_IN_A_SEGMENT));
  const segments = Array.from({ length: count }, (_, index) => {
    const part = profile.subarray(index * MOST_IN_A_SEGMENT, (index + 1) * MOST_IN_A_SEGMENT);
    return jpegSegment(0xe2, Buffer.concat([Buffer.from('ICC_PROFILE\0'), Buffer.from([index + 1, count]), part]));
  });
  return Buffer.concat(segments);
}

function inChunk(profile: Buffer): Buffer {
  return pngChunk('iCCP', Buffer.concat([Buffer.from('profile\0\0'), deflateSync(profile)]));
}

function huge(profile: Buffer): Buffer {
  const large = Buffer.concat([profile, Buffer.alloc(4_000_000)]);
  return patched(large, 0, u32be(large.length));
}

async function profileNamed(name: string): Promise<Buffer> {
  const file = await flat(8).withIccProfile(name).jpeg().toBuffer();
  const { icc } = await sharp(file).metadata();
  if (icc === undefined) throw new Error(`sharp has no profile ${name}.`);
  return icc;
}
