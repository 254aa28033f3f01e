/** The files of a run: images generated from a seed, the photographs of docs/samples, and files that are not images. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import * as z from 'zod';
import { sampleFiles } from '../../scripts/stack/upload-files.ts';
import { type ImageClass, type SizeClass, sizeClasses } from './plan.ts';

export interface TestImage {
  readonly name: string;
  readonly class: ImageClass;
  readonly bytes: Buffer;
}

interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly format: 'jpeg' | 'png' | 'webp';
}

// What people upload: avatars, web images, screenshots, photographs. Portrait and landscape, in formats typical of their size.
const drawings: Readonly<Record<SizeClass, readonly Drawing[]>> = {
  thumb: [
    { width: 320, height: 240, format: 'jpeg' },
    { width: 256, height: 256, format: 'png' },
    { width: 400, height: 300, format: 'webp' },
  ],
  small: [
    { width: 1024, height: 768, format: 'jpeg' },
    { width: 768, height: 1152, format: 'jpeg' },
    { width: 1200, height: 800, format: 'webp' },
  ],
  medium: [
    { width: 2400, height: 1600, format: 'jpeg' },
    { width: 1536, height: 2048, format: 'jpeg' },
  ],
  large: [
    { width: 4000, height: 3000, format: 'jpeg' },
    { width: 3024, height: 4032, format: 'jpeg' },
  ],
};

/** The smallest class with at least this many pixels. */
export function sizeClassOf(pixels: number): SizeClass {
  if (pixels < 200_000) return 'thumb';
  if (pixels < 1_500_000) return 'small';
  return pixels < 6_000_000 ? 'medium' : 'large';
}

/** The same bytes for the same seed and version of sharp. */
export async function drawImages(seed: number, classes: readonly SizeClass[] = sizeClasses): Promise<TestImage[]> {
  const drawn: TestImage[] = [];
  for (const sizeClass of classes) {
    for (const [index, drawing] of drawings[sizeClass].entries()) {
      const name = `${sizeClass}-${index}.${drawing.format}`;
      drawn.push({ name, class: sizeClass, bytes: await draw(drawing, `${seed}/${name}`) });
    }
  }
  return [...drawn, ...corruptFiles(seed, drawn)];
}

/** The files that `npm start` sends; those that are not images count as corrupt. */
export async function photographs(): Promise<TestImage[]> {
  return await Promise.all(
    (await sampleFiles()).map(async ({ file, key }) => {
      const bytes = await readFile(file);
      const { width, height } = await sharp(bytes)
        .metadata()
        .catch(() => ({ width: 0, height: 0 }));
      return { name: key, class: width === 0 ? 'corrupt' : sizeClassOf(width * height), bytes };
    }),
  );
}

const manifest = z.array(z.object({ name: z.string(), class: z.enum([...sizeClasses, 'corrupt']), bytes: z.int() }));
export type StoredImages = z.infer<typeof manifest>;

/** Drawn once for each seed and version of sharp, and kept as files named by the image. */
export async function storeImages(seed: number, root: string): Promise<{ directory: string; images: StoredImages }> {
  const source = await readFile(import.meta.filename);
  const key = createHash('sha256')
    .update(source)
    .update(JSON.stringify([seed, sharp.versions]))
    .digest('hex');
  const directory = join(root, key.slice(0, 16));
  const list = join(directory, 'images.json');
  if (!existsSync(list)) {
    const part = `${directory}.${process.pid}`;
    await mkdir(part, { recursive: true });
    const all = [...(await drawImages(seed)), ...(await photographs())];
    for (const { name, bytes } of all) await writeFile(join(part, name), bytes);
    const entries = all.map((image) => ({ ...image, bytes: image.bytes.length }));
    await writeFile(join(part, 'images.json'), JSON.stringify(entries, null, 2));
    await rm(directory, { recursive: true, force: true });
    await rename(part, directory);
  }
  return { directory, images: manifest.parse(JSON.parse(await readFile(list, 'utf8'))) };
}

/** Coarse enlarged noise under fine grain, which compresses about as well as a photograph. */
async function draw({ width, height, format }: Drawing, seed: string): Promise<Buffer> {
  const shapes = sharp(noise(12, 9, `${seed}/shapes`), { raw: { width: 12, height: 9, channels: 3 } });
  const grain = { width: Math.ceil(width / 3), height: Math.ceil(height / 3), channels: 3 } as const;
  const soft = await shapes.resize(width, height, { fit: 'fill', kernel: 'cubic' }).raw().toBuffer();
  const fine = await sharp(noise(grain.width, grain.height, `${seed}/grain`), { raw: grain })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .ensureAlpha(0.12)
    .png({ compressionLevel: 0 })
    .toBuffer();
  const picture = sharp(soft, { raw: { width, height, channels: 3 } }).composite([{ input: fine }]);
  return await picture.toFormat(format, { quality: 88 }).toBuffer();
}

/** Files with image names, each rejected for a different reason: empty, truncated after the header, not an image. */
function corruptFiles(seed: number, drawn: readonly TestImage[]): TestImage[] {
  const whole = drawn.find(({ name }) => name === 'small-0.jpeg')?.bytes ?? Buffer.of();
  const files = {
    'corrupt-empty.jpg': Buffer.of(),
    'corrupt-cut.jpg': whole.subarray(0, 640),
    'corrupt-noise.jpg': noise(64, 64, `${seed}/corrupt`),
  };
  return Object.entries(files).map(([name, bytes]) => ({ name, class: 'corrupt', bytes }));
}

/** Bytes of three channels from a linear congruential generator, which is random enough for an image. */
function noise(width: number, height: number, seed: string): Buffer {
  const bytes = Buffer.alloc(width * height * 3);
  let state = createHash('sha256').update(seed).digest().readUInt32BE(0);
  for (let index = 0; index < bytes.length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}
