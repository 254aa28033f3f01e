/** What phones and cameras send: the uploads of `npm run lab -- bench mix`, each with its share and where that comes from. */
import { fileURLToPath } from 'node:url';
import type { Sharp } from 'sharp';
import { inputFile, profiles } from './inputs.ts';

export interface MixUpload {
  /** Of 100 uploads. */
  readonly share: number;
  readonly source: string;
  readonly file: () => Promise<string>;
}

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const { displayP3, srgb } = profiles;

const tomatoes = file('docs/samples/tomatoes-5d-portrait-12mp.jpg');
const flowers = file('docs/samples/flowers-iphone5-gps-8mp.jpg');
const book = file('test/fixtures/photos/book-d90-12mp.jpg');

const phone = (picture: Sharp) => picture.jpeg({ quality: 92 });

// No statistics of uploads are public. The kinds (phone 70, app 15, camera 10, screenshot 5) are our assumption; the
// shares within them are not.
const vendors =
  'https://gs.statcounter.com/vendor-market-share/mobile (2025: Apple 27 %, Samsung 23 % of mobile page views)';

export const mixUploads: Readonly<Record<string, MixUpload>> = {
  'iPhone, 12 MP JPEG, Display P3': {
    share: 19,
    source: `27 % of 70: ${vendors}. Display P3 since the iPhone 7: https://github.com/photopea/photopea/issues/5918. iOS sends a form that does not list HEIC a JPEG: https://support.apple.com/en-us/116944`,
    file: () =>
      upload('iphone', tomatoes, { width: 3024, height: 4032 }, (picture) => phone(picture.withIccProfile(displayP3))),
  },
  'Samsung, 12 MP JPEG, Display P3': {
    share: 16,
    source: `23 % of 70: ${vendors}. Display P3 by default: https://github.com/fluttercandies/flutter_image_compress/pull/411; older models write no profile`,
    file: () =>
      upload('samsung', book, { width: 4000, height: 3000 }, (picture) => phone(picture.withIccProfile(displayP3))),
  },
  'other phone, 12 MP JPEG, sRGB profile': {
    share: 4,
    source: `11 % of the other 35: 17 of 160 camera originals in three public collections (drewnoakes/metadata-extractor-images and others)`,
    file: () =>
      upload('android-srgb', flowers, { width: 4000, height: 3000 }, (picture) => phone(picture.withIccProfile(srgb))),
  },
  'other phone, 12 MP JPEG, no profile': {
    share: 31,
    source: 'the rest of 70',
    file: () => upload('android', flowers, { width: 4000, height: 3000 }, phone),
  },
  'through a messaging app, 1600 × 1200, progressive JPEG, no profile': {
    share: 15,
    source: 'our assumption; size, and no metadata: https://www.image-compress.com/blog/compress-images-for-whatsapp/',
    file: () =>
      upload('app', tomatoes, { width: 1200, height: 1600 }, (picture) =>
        picture.jpeg({ quality: 75, progressive: true }),
      ),
  },
  'camera, 24 MP JPEG, no profile': {
    share: 5,
    source: 'our assumption; cameras state the colour space in EXIF only: https://github.com/guardian/grid/issues/2066',
    file: () => upload('camera', book, { width: 6000, height: 4000 }, (picture) => picture.jpeg({ quality: 92 })),
  },
  'camera, exported from an editor, 24 MP JPEG, sRGB profile': {
    share: 5,
    source:
      'our assumption; editors embed the profile, most often sRGB: https://almanac.httparchive.org/en/2022/media#image-color-spaces',
    file: () =>
      upload('editor', book, { width: 6000, height: 4000 }, (picture) =>
        picture.withIccProfile(srgb).jpeg({ quality: 85 }),
      ),
  },
  'iPhone screenshot, PNG, Display P3': {
    share: 5,
    source: 'our assumption',
    file: () =>
      upload('screenshot', tomatoes, { width: 1179, height: 1768 }, (picture) =>
        picture.withIccProfile(displayP3).png({ compressionLevel: 6 }),
      ),
  },
};

function upload(
  name: string,
  photo: string,
  size: { readonly width: number; readonly height: number },
  write: (picture: Sharp) => Sharp,
): Promise<string> {
  return inputFile(`mix-${name}`, write, size, photo);
}
