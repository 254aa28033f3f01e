/** What a megapixel costs in memory, by format: the data behind core/limits.ts and the workers' MemorySize. */
import { stat, writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { mean, sum } from 'simple-statistics';
import { defaultLimits } from '../../core/limits.ts';
import { inputFormats } from '../../core/metadata.ts';
import { numberAt, templateFor } from '../../scripts/template/template.ts';
import { table } from '../table.ts';
import { heaviestInputs, inputFile } from './inputs.ts';
import { renderInProcess } from './render-in-process.ts';

const measuredMemoryFile = fileURLToPath(new URL('measured-memory.json', import.meta.url));

const MEMORY_SIZE = numberAt(templateFor('prod').resources.get('ResizeImageFunction')?.Properties['MemorySize']);
// As it arrives, and as the codec gets it.
const FILE_COPIES = 2;

const steps = [6, 12, 24, 48];

/** 3:2, as most cameras have it; no more pixels than are let in. */
function sizesOf(kind: string) {
  return steps.map((step) => {
    const megapixels = Math.min(step, limitOf(kind) / 1e6);
    const height = Math.round(Math.sqrt((megapixels * 1e6) / 1.5));
    return { megapixels, width: Math.min(Math.round(height * 1.5), Math.floor(limitOf(kind) / height)), height };
  });
}

// From one decode each: what they hold differs only in the size that they decode to.
const jobs = ['portray', 'web'];

interface Point {
  readonly megapixels: number;
  /** Of the whole worker, at its peak. */
  readonly megabytes: number;
  readonly fileMegabytes: number;
}

interface Line {
  /** MB without a picture. */
  readonly base: number;
  readonly perMegapixel: number;
}

type Kinds = Readonly<Record<string, Line & { readonly points: readonly Point[] }>>;

export async function benchMemory(write: boolean): Promise<string> {
  const kinds: Record<string, Kinds[string]> = {};
  for (const [kind, how] of Object.entries(heaviestInputs)) {
    const points: Point[] = [];
    for (const { megapixels, ...size } of sizesOf(kind)) {
      const file = await inputFile(`heaviest-${kind}`, how, size);
      points.push({
        megapixels,
        megabytes: Math.max(...jobs.map((job) => renderInProcess({ file, job }).megabytes)),
        fileMegabytes: Math.round((await stat(file)).size / 2 ** 20),
      });
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

function showMemory(kinds: Kinds): string {
  return [
    'Peak memory of a fresh worker, MB, by the variant of each format that takes the most (JPEG: CMYK; PNG and TIFF: ' +
      '16 bits with alpha, in tiles as high as the picture 32; WebP: lossless with alpha; AVIF: 12 bits with alpha, turned), `portray` or the `web` group, ' +
      `whichever is more. ${FILE_COPIES} copies of the file are part of the peak and not of the slope, which is that of ` +
      'the line through the four; the last of them is the limit, where that is less. In all: the base, the largest file twice, and as many megapixels as `core/limits.ts` ' +
      `lets in, of ${MEMORY_SIZE} MB.`,
    table(
      ['input', ...steps.map((megapixels) => `${megapixels} MP`), 'MB a megapixel', 'base', 'limit', 'in all'],
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

/** Least squares; a line that falls is a flat one with noise. */
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
