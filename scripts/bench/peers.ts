/** The project's renditions of one photograph, made by those that a user would pick instead, at the same perceptual score. */
import { readFileSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import * as z from 'zod';
import { encoder } from '../../adapters/sharp-image-codec/pyramid.ts';
import { sharpImageCodec } from '../../adapters/sharp-image-codec.ts';
import type { ImageHeader } from '../../core/metadata.ts';
import type { Bytes } from '../../core/ports.ts';
import { type Preset, type RenditionFormat, renditionGroups } from '../../core/presets.ts';
import { presetsFor, renditionSize, type Size } from '../../core/rendition.ts';
import { workDirectory } from '../project.ts';
import { startNodePeers, startPythonPeers } from './install-peers.ts';
import { type LineWorker, workerCost } from './line-worker.ts';
import { type Cost, costOf, mean, median, showSummary, sum, summarise, table } from './measure.ts';

const ROUNDS = 5;
// Of SSIMULACRA2: nobody sees less.
const SAME_SCORE = 0.7;
const MOST_ATTEMPTS = 4;
const photo = fileURLToPath(new URL('../../test/fixtures/photos/book-d90-12mp.jpg', import.meta.url));
const directory = join(workDirectory, 'bench-peers');

interface Contender {
  readonly name: string;
  readonly formats: readonly RenditionFormat[];
  /** Writes each rendition to {@link fileOf}. */
  render(presets: readonly Preset[]): Promise<Cost>;
  /** For programs that are started anew for each photograph. */
  start?(): Promise<Cost>;
}

const everyFormat: readonly RenditionFormat[] = ['webp', 'jpeg', 'avif'];

export async function benchPeers(): Promise<string> {
  await mkdir(directory, { recursive: true });
  const workers = [await startPythonPeers(), await startNodePeers()] as const;
  try {
    return await compare(...workers);
  } finally {
    for (const worker of workers) worker.end();
  }
}

async function compare(python: LineWorker, node: LineWorker): Promise<string> {
  const bytes: Bytes = new Uint8Array(readFileSync(photo));
  const inspected = await sharpImageCodec().inspect(bytes);
  if (inspected.outcome === 'rejected') throw new Error(inspected.message);
  const { header } = inspected;
  const presets = presetsFor(
    header,
    renditionGroups.flatMap((group) => group.presets),
  );
  const judge = await judgeFor(python, header, presets);
  const found = { ...(await versionsOf(python)), ...(await versionsOf(node)) };
  const of = (worker: LineWorker, name: string, formats = everyFormat): readonly Contender[] =>
    found[name] === null ? [] : [outside(worker, name, `${name} ${found[name]}`, formats, header)];
  const jpegOnly: readonly RenditionFormat[] = ['jpeg'];
  const us = ours(header, bytes);
  const contenders: readonly Contender[] = [
    us,
    naive('naive sharp, our settings', header, bytes, encoder),
    naive('naive sharp, its defaults', header, bytes, (picture, { format, quality }) =>
      picture.toFormat(format, { quality }),
    ),
    ...of(python, 'Pillow'),
    ...of(python, 'vipsthumbnail'),
    ...of(python, 'ImageMagick'),
    ...of(node, '@napi-rs/image'),
    { ...us, name: 'ours, JPEG only', formats: jpegOnly },
    ...of(node, 'jimp', jpegOnly),
  ];

  const matched = new Map<Contender, readonly Preset[]>();
  await us.render(presets);
  const target = await judge(presets);
  for (const contender of contenders) {
    const able = presets.filter(({ format }) => contender.formats.includes(format));
    matched.set(contender, contender.name.startsWith('ours') ? able : await match(contender, able, target, judge));
  }

  const costs = new Map(contenders.map((contender): [Contender, Cost[]] => [contender, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    const shift = round % contenders.length;
    for (const contender of [...contenders.slice(shift), ...contenders.slice(0, shift)]) {
      costs.get(contender)?.push(await contender.render(matched.get(contender) ?? []));
    }
  }

  const results: Result[] = [];
  for (const [contender, able] of matched) {
    await contender.render(able);
    const scores = await judge(able);
    results.push({
      contender,
      presets: able,
      costs: costs.get(contender) ?? [],
      score: mean(able.map(({ name }) => scores.get(name) ?? Number.NaN)),
      bytes: sum(await Promise.all(able.map(async (preset) => (await stat(fileOf(preset))).size))),
      start: contender.start ? await contender.start() : undefined,
    });
  }
  const missing = Object.keys(found).filter((name) => found[name] === null);
  return [
    `${presets.length} renditions of one 12-megapixel JPEG. Each contender’s quality number is set so that its score ` +
      `(SSIMULACRA2, against a Lanczos reduction of the whole picture) at 1280 pixels is within ${SAME_SCORE} of ours, or ` +
      'the nearest that its scale has; ' +
      `its encoders run at our efforts where it has such a setting. Ratios to ours of the same formats, medians of ` +
      `${ROUNDS} interleaved rounds (least–most). Command line tools include their own start, as for whoever calls them.`,
    resultTable(results),
    ...missing.map((name) => `${name}: not found: ${advice[name] ?? 'install it'}.`),
  ].join('\n\n');
}

const advice: Readonly<Record<string, string>> = {
  vipsthumbnail: 'apt install libvips-tools',
  ImageMagick: 'apt install imagemagick',
};

// ── The contenders ──────────────────────────────────────────────────────────────────────────────────────────────────

const fileOf = ({ name, format }: Preset) => join(directory, `${name}.${format === 'jpeg' ? 'jpg' : format}`);

function ours(header: ImageHeader, bytes: Bytes): Contender {
  const codec = sharpImageCodec();
  return {
    name: 'ours',
    formats: everyFormat,
    render: (presets) =>
      costOf(async () => {
        for (const { presets: ofGroup } of renditionGroups) {
          const wanted = presets.filter(({ name }) => ofGroup.some((preset) => preset.name === name));
          const result = await codec.render(bytes, header, wanted);
          if (result.outcome === 'rejected') throw new Error(result.message);
          for (const picture of result.pictures) await writeFile(fileOf(picture.preset), picture.bytes);
        }
      }),
  };
}

function naive(name: string, header: ImageHeader, bytes: Bytes, encode: typeof encoder): Contender {
  return {
    name,
    formats: everyFormat,
    render: (presets) =>
      costOf(async () => {
        for (const preset of presets) {
          await encode(sharp(bytes).autoOrient().resize(renditionSize(header, preset).width), preset).toFile(
            fileOf(preset),
          );
        }
      }),
  };
}

function outside(
  worker: LineWorker,
  peer: string,
  name: string,
  formats: readonly RenditionFormat[],
  header: ImageHeader,
): Contender {
  return {
    name,
    formats,
    render: (presets) => {
      const renditions = presets.map((preset) => ({
        ...preset,
        effort: preset.effort ?? null,
        ...renditionSize(header, preset),
        file: fileOf(preset),
      }));
      return worker.ask({ do: 'render', peer, photo, renditions }, workerCost);
    },
    ...(['vipsthumbnail', 'ImageMagick'].includes(peer)
      ? { start: () => worker.ask({ do: 'start', peer }, workerCost) }
      : {}),
  };
}

function versionsOf(worker: LineWorker): Promise<Readonly<Record<string, string | null>>> {
  return worker.ask({ do: 'versions' }, z.record(z.string(), z.nullable(z.string())));
}

// ── The same score ──────────────────────────────────────────────────────────────────────────────────────────────────

type Scores = ReadonlyMap<string, number>;
type Judge = (presets: readonly Preset[]) => Promise<Scores>;

async function judgeFor(python: LineWorker, header: ImageHeader, presets: readonly Preset[]): Promise<Judge> {
  const reference = ({ width }: Size) => join(directory, `reference-${width}.png`);
  for (const size of presets.map((preset) => renditionSize(header, preset))) {
    await python.ask({ do: 'reference', photo, ...size, file: reference(size) }, z.null());
  }
  return async (asked) => {
    const scores = new Map<string, number>();
    for (const preset of asked) {
      const question = { do: 'score', reference: reference(renditionSize(header, preset)), file: fileOf(preset) };
      scores.set(preset.name, await python.ask(question, z.number()));
    }
    return scores;
  };
}

/** The presets with the quality numbers on this contender's own scale. */
async function match(
  contender: Contender,
  presets: readonly Preset[],
  target: Scores,
  judge: Judge,
): Promise<readonly Preset[]> {
  const numbers = new Map<RenditionFormat, number>();
  for (const format of contender.formats) {
    const typical = presets.find((preset) => preset.format === format && preset.width === 1280);
    if (!typical) continue;
    const score = async (quality: number) => {
      await contender.render([{ ...typical, quality }]);
      return (await judge([typical])).get(typical.name) ?? Number.NaN;
    };
    numbers.set(format, await qualityFor(target.get(typical.name) ?? Number.NaN, typical.quality, score));
  }
  return presets.map((preset) => ({ ...preset, quality: numbers.get(preset.format) ?? preset.quality }));
}

/** By the secant through the last two attempts; the best of a few, since quality numbers are whole. */
async function qualityFor(target: number, first: number, score: (quality: number) => Promise<number>): Promise<number> {
  const tried: { readonly quality: number; readonly distance: number }[] = [];
  let quality = first;
  while (tried.length < MOST_ATTEMPTS && !tried.some((attempt) => attempt.quality === quality)) {
    const distance = (await score(quality)) - target;
    tried.push({ quality, distance });
    if (Math.abs(distance) <= SAME_SCORE) break;
    const before = tried.at(-2);
    const slope = before ? (distance - before.distance) / (quality - before.quality) : 0.5;
    quality = Math.round(Math.min(98, Math.max(5, quality - distance / (slope > 0.1 ? slope : 0.5))));
  }
  return tried.reduce((best, one) => (Math.abs(one.distance) < Math.abs(best.distance) ? one : best)).quality;
}

// ── The result ──────────────────────────────────────────────────────────────────────────────────────────────────────

interface Result {
  readonly contender: Contender;
  readonly presets: readonly Preset[];
  readonly costs: readonly Cost[];
  readonly score: number;
  readonly bytes: number;
  readonly start: Cost | undefined;
}

function resultTable(results: readonly Result[]): string {
  const rows = results.map(({ contender, presets, costs, score, bytes, start }) => {
    const base = results.find(
      (result) =>
        result.contender.name.startsWith('ours') && result.contender.formats.length === contender.formats.length,
    );
    const ratio = (read: (cost: Cost) => number) =>
      showSummary(
        summarise(
          costs.map((cost, round) => read(cost) / median([base?.costs[round]].flatMap((c) => (c ? [read(c)] : [])))),
        ),
        2,
      );
    const number = (format: RenditionFormat) =>
      presets.find((preset) => preset.format === format && preset.width === 1280)?.quality ?? '–';
    return [
      contender.name,
      ratio(({ cpu }) => cpu),
      ratio(({ wall }) => wall),
      (bytes / (base?.bytes ?? Number.NaN)).toFixed(2),
      score.toFixed(1),
      everyFormat.map(number).join(' · '),
      start
        ? `${((100 * start.cpu * starts(contender, presets)) / median(costs.map(({ cpu }) => cpu))).toFixed(0)} %`
        : '–',
    ];
  });
  return table(
    [
      'contender',
      'CPU, × ours',
      'time, × ours',
      'bytes, × ours',
      'mean score',
      'quality WebP · JPEG · AVIF',
      'of the CPU, start',
    ],
    rows,
  );
}

/** vipsthumbnail makes one rendition a call. */
function starts({ name }: Contender, presets: readonly Preset[]): number {
  return name.startsWith('vipsthumbnail') ? presets.length : 1;
}
