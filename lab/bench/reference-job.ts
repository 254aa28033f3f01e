/**
 * A small, fixed sharp job. Measured alongside the workers, it shows how fast the machine is at that moment, which converts
 * their times to Lambda's (lab/docs/cost.md). It uses none of our code or presets, because those change.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const photo = new Uint8Array(
  readFileSync(fileURLToPath(new URL('../../test/fixtures/photos/book-d90-12mp.jpg', import.meta.url))),
);

export async function referenceJob(): Promise<void> {
  await sharp(photo).resize(1134).jpeg({ quality: 80 }).toBuffer();
}
