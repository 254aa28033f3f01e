import { readFileSync } from 'node:fs';
import sharp from 'sharp';

/** A real photo from test/fixtures/photos (credits are in the same folder). */
export const photo = (name: string): Buffer => readFileSync(new URL(`../fixtures/photos/${name}`, import.meta.url));

/** One colour, and small enough to send many of. */
export const smallImage = (background: string): Promise<Buffer> =>
  sharp({ create: { width: 48, height: 32, channels: 3, background } })
    .png()
    .toBuffer();
