/** Memory per megapixel by format: the data behind core/limits.ts and the workers' MemorySize. */
import { stat, writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { mean, sum } from 'simple-statistics';
import { defaultLimits } from '../../core/limits.ts';
import { inputFormats } from '../../core/metadata.ts';
import { numberAt, templateFor } from '../../scripts/template/template.ts';
import { table } from '../table.ts';
import { bitmapFile, heaviestBitmaps, heaviestHeic, heaviestInputs, inputFile } from './inputs.ts';
import { renderInProcess } from './render-in-process.ts';

const measuredMemoryFile = fileURLToPath(new URL('measured-memory.json', import.meta.url));

const MEMORY_SIZE = numberAt(templateFor('prod').resources.get('ResizeImageFunction')?.Properties['MemorySize']);
// As received, and as passed to the codec.
const FILE_COPIES = 2;

const steps = [6, 12, 24, 48];

/** 3:2, like most cameras, and no more pixels than the limit. */
function sizesOf(kind: string) {
  return steps.map((step) => {
    const megapixels = Math.min(step, limitOf(kind) / 1e6);
    const height = Math.round(Math.sqrt((megapixels * 1e6) / 1.5));
    return { megapixels, width: Math.min(Math.round(height * 1.5), Math.floor(limitOf(kind) / height)), height };
  });
}

// Each is one decode; they differ only in the decoded size.
const jobs = ['portray', 'web'];

interface Point {
  readonly megapixels: number;
  /** Peak of the whole worker. */
  readonly megabytes: number;
  readonly fileMegabytes: number;
}

interface Line {
  /** MB without an image. */
  readonly base: number;
  readonly perMegapixel: number;
}

type Kinds = Readonly<Record<string, Line & { readonly points: readonly Point[] }>>;

export async function benchMemory(write: boolean): Promise<string> {
  const kinds: Record<string, Kinds[string]> = {};
  for (const [kind, how] of Object.entries(heaviestInputs)) {
    const points: Point[] = [];
    for (const { megapixels, ...size } of sizesOf(kind)) {
      points.push(await measure(megapixels, await inputFile(`heaviest-${kind}`, how, size)));
    }
    kinds[kind] = { ...lineThrough(points), points };
  }
  const heics = await Promise.all(steps.map((megapixels) => measure(megapixels, heaviestHeic(megapixels))));
  kinds['heic'] = { ...lineThrough(heics), points: heics };
  for (const [kind, write] of Object.entries(heaviestBitmaps)) {
    const points: Point[] = [];
    for (const { megapixels, ...size } of sizesOf(kind)) {
      points.push(await measure(megapixels, await bitmapFile(`heaviest-${kind}`, write(size), size)));
    }
    kinds[kind] = { ...lineThrough(points), points };
  }
  const measured = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${process.platform} ${arch()}, Node ${process.version}, sharp ${sharp.versions.sharp}`,
    kinds,
  };
  if (write) await writeFile(measuredMemoryFile, `${JSON.stringify(measured, undefined, 2)}\n`);
  return showMemory(kinds);
}

async function measure(megapixels: number, file: string): Promise<Point> {
  return {
    megapixels,
    megabytes: Math.max(...jobs.map((job) => renderInProcess({ file, job }).megabytes)),
    fileMegabytes: Math.round((await stat(file)).size / 2 ** 20),
  };
}

function showMemory(kinds: Kinds): string {
  return [
    'Peak memory of a fresh worker in MB, for the most expensive variant of each format (JPEG: CMYK; PNG and TIFF: 16 bits ' +
      'with alpha, 32 bits if in tiles as high as the image; WebP: lossless with alpha; AVIF: 12 bits with alpha, rotated; HEIC: 10 bits with alpha; BMP: 4 bits; ICO: 8 bits with a mask), for `portray` or the `web` group, ' +
      `whichever takes more. The peak includes ${FILE_COPIES} copies of the file; “MB per megapixel” does not: it is the slope of the line through ` +
      'the four sizes. The last size is the limit, if that is lower. Worst case: the base, the largest file twice, and the most megapixels that ' +
      `\`core/limits.ts\` accepts, as a share of ${MEMORY_SIZE} MB.`,
    table(
      ['input', ...steps.map((megapixels) => `${megapixels} MP`), 'MB per megapixel', 'base', 'limit', 'worst case'],
      Object.entries(kinds).map(([kind, { base, perMegapixel, points }]) => {
        const limit = limitOf(kind) / 1e6;
        const all = base + (FILE_COPIES * defaultLimits.bytes) / 2 ** 20 + limit * perMegapixel;
        return [
          kind,
          ...points.map(({ megabytes }) => String(megabytes)),
          perMegapixel.toFixed(1),
          base.toFixed(0),
          `${limit} MP`,
          `${all.toFixed(0)}, ${Math.round((100 * all) / MEMORY_SIZE)} %`,
        ];
      }),
    ),
  ].join('\n\n');
}

function limitOf(kind: string): number {
  const { pixels, progressivePixels } = defaultLimits;
  if (kind === 'jpeg, progressive') return progressivePixels.jpeg;
  if (kind === 'png, progressive') return progressivePixels.png;
  if (kind === 'tiff, in tiles') return progressivePixels.tiff;
  return inputFormats.filter((format) => format === kind).map((format) => pixels[format])[0] ?? Number.NaN;
}

/** Least squares; a negative slope is noise and counts as zero. */
function lineThrough(points: readonly Point[]): Line {
  const x = mean(points.map(({ megapixels }) => megapixels));
  const pixels = points.map(({ megabytes, fileMegabytes }) => megabytes - FILE_COPIES * fileMegabytes);
  const y = mean(pixels);
  const slope =
    sum(points.map(({ megapixels }, index) => (megapixels - x) * ((pixels[index] ?? Number.NaN) - y))) /
    sum(points.map(({ megapixels }) => (megapixels - x) ** 2));
  const perMegapixel = Math.max(0, Math.round(slope * 100) / 100);
  return { base: Math.round(y - perMegapixel * x), perMegapixel };
}
