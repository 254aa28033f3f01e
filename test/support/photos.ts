import { readFileSync } from 'node:fs';
import sharp from 'sharp';

/** A real photograph of test/fixtures/photos (credits beside them). */
export const photo = (name: string): Buffer => readFileSync(new URL(`../fixtures/photos/${name}`, import.meta.url));

/** Of one colour, so small that a test may send many. */
export const smallPicture = (background: string): Promise<Buffer> =>
  sharp({ create: { width: 48, height: 32, channels: 3, background } })
    .png()
    .toBuffer();
