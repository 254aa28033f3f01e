/**
 * One and the same small job of sharp's: how fast a machine is just now, so that what was measured there becomes Lambda's
 * time (lab/docs/cost.md). None of our code and presets, which may change.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const photo = new Uint8Array(
  readFileSync(fileURLToPath(new URL('../../test/fixtures/photos/book-d90-12mp.jpg', import.meta.url))),
);

export async function yardstick(): Promise<void> {
  await sharp(photo).resize(1134).jpeg({ quality: 80 }).toBuffer();
}
