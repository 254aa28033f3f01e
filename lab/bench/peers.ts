/** The project's renditions made by other libraries and tools, each at the same perceptual score as ours. */
import { readFileSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mean, median, sum } from 'simple-statistics';
import * as z from 'zod';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import type { Bytes } from '../../core/ports.ts';
import { type Preset, type RenditionFormat, renditionGroups } from '../../core/presets.ts';
import { presetsFor, renditionSize } from '../../core/rendition.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';
import { openImage } from '../../test/support/open-image.ts';
import { showSummary, summarise } from '../summary.ts';
import { table } from '../table.ts';
import { startNodePeers, startPythonPeers } from './install-peers.ts';
import type { LineWorker } from './line-worker.ts';
import { type Attempt, nearest, nextQuality, SAME_SCORE } from './matching-quality.ts';
import type { Cost } from './measure.ts';
import {
  type Contender,
  contendersOf,
  everyFormat,
  fileOf,
  type Photo,
  peersDirectory,
  versionsOf,
} from './peer-contenders.ts';

const ROUNDS = 3;
// Each further file takes another quarter of an hour to score. docs/samples/tomatoes-5d-portrait-12mp.jpg is detailed everywhere.
const files = ['test/fixtures/photos/book-d90-12mp.jpg'];
const advice: Readonly<Record<string, string>> = {
  vipsthumbnail: 'apt install libvips-tools',
  ImageMagick: 'apt install imagemagick',
};

export async function benchPeers(): Promise<string> {
  await mkdir(peersDirectory, { recursive: true });
  const workers = [await startPythonPeers(), await startNodePeers()] as const;
  try {
    return await compare(...workers);
  } finally {
    for (const worker of workers) await worker.end();
  }
}

interface Wanted {
  readonly photo: Photo;
  readonly preset: Preset;
}

/** With the quality number that its contender needs, and how far its score is from ours. */
interface Rendition extends Wanted, Attempt {
  readonly score: number;
  readonly bytes: number;
}

interface Result {
  readonly contender: Contender;
  readonly renditions: readonly Rendition[];
  readonly costs: Cost[];
}

async function compare(python: LineWorker, node: LineWorker): Promise<string> {
  const photos = await Promise.all(files.map(open));
  const versions = { ...(await versionsOf(python)), ...(await versionsOf(node)) };
  const wanted = photos.flatMap((photo) => presetsOf(photo).map((preset) => ({ photo, preset })));
  for (const { photo, preset } of wanted) await makeReference(python, photo, preset);

  const [us, ...others] = contendersOf(python, node, versions);
  if (us === undefined) throw new Error('no contender');
  const ours = await renderOurs(us, wanted, python);
  const results: Result[] = [{ contender: us, renditions: ours, costs: [] }];
  for (const contender of others) {
    const able = ours.filter(({ preset }) => contender.formats.includes(preset.format));
    const renditions: Rendition[] = [];
    for (const photo of photos) {
      renditions.push(
        ...(await match(
          contender,
          able.filter((one) => one.photo === photo),
          python,
        )),
      );
    }
    results.push({ contender, renditions, costs: [] });
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    const shift = round % results.length;
    for (const { contender, renditions, costs } of [...results.slice(shift), ...results.slice(0, shift)]) {
      costs.push(await renderAll(contender, renditions));
    }
  }

  const starts = new Map<Contender, Cost>();
  for (const { contender, renditions } of results) {
    if (contender.start) starts.set(contender, await contender.start(renditions.length));
  }
  return [
    `${wanted.length} renditions: every preset that does not crop, of ${photos.length} 12-megapixel JPEG${photos.length === 1 ? '' : 's'}. For each ` +
      'rendition, a contender uses the quality number that brings its score (SSIMULACRA2, against a Lanczos reduction of the ' +
      `whole image) within ${SAME_SCORE} of ours, or the closest it can reach. “Score difference” is the mean and the largest ` +
      'difference from ours. Encoders run on one thread, at our efforts where they have that setting. Ratios to ' +
      `ours for the same formats, medians of ${ROUNDS} interleaved rounds (least–most). Command-line tools include the time to ` +
      'start them.',
    resultTable(results, starts),
    ...Object.keys(versions)
      .filter((name) => versions[name] === null)
      .map((name) => `${name}: not found: ${advice[name] ?? 'install it'}.`),
  ].join('\n\n');
}

async function open(path: string): Promise<Photo> {
  const file = join(projectDirectory, path);
  const bytes: Bytes = new Uint8Array(readFileSync(file));
  const { header } = await openImage(sharpImageCodec(), bytes);
  return { file, bytes, header };
}

// Each program chooses differently what a crop shows, so cropped renditions cannot be compared.
const presetsOf = ({ header }: Photo) =>
  presetsFor(
    header,
    renditionGroups.flatMap((group) => group.presets.filter(({ fit }) => fit !== 'cover')),
  );

// ── The same score ──────────────────────────────────────────────────────────────────────────────────────────────────

async function makeReference(python: LineWorker, photo: Photo, preset: Preset): Promise<void> {
  const size = renditionSize(photo.header, preset);
  await python.ask({ do: 'reference', photo: photo.file, ...size, file: referenceOf({ photo, preset }) }, z.null());
}

const referenceOf = ({ photo, preset }: Wanted) =>
  join(peersDirectory, `reference-${files.findIndex((path) => photo.file.endsWith(path))}-${preset.name}.png`);

/** One photograph at a time with all its presets, because a contender may share work between them. */
async function renderAll(contender: Contender, wanted: readonly Wanted[]): Promise<Cost> {
  const costs: Cost[] = [];
  for (const photo of new Set(wanted.map((one) => one.photo))) {
    const presets = wanted.filter((one) => one.photo === photo).map(({ preset }) => preset);
    costs.push(await contender.render(photo, presets));
  }
  return { cpu: sum(costs.map(({ cpu }) => cpu)), wall: sum(costs.map(({ wall }) => wall)) };
}

async function judge(wanted: Wanted, python: LineWorker, target?: number): Promise<Rendition> {
  const file = fileOf(wanted.preset);
  const score = await python.ask({ do: 'score', reference: referenceOf(wanted), file }, z.number());
  const off = target === undefined ? 0 : score - target;
  return { ...wanted, quality: wanted.preset.quality, score, off, bytes: (await stat(file)).size };
}

async function renderOurs(us: Contender, wanted: readonly Wanted[], python: LineWorker): Promise<readonly Rendition[]> {
  const renditions: Rendition[] = [];
  for (const photo of new Set(wanted.map((one) => one.photo))) {
    const ofPhoto = wanted.filter((one) => one.photo === photo);
    await renderAll(us, ofPhoto);
    for (const one of ofPhoto) renditions.push(await judge(one, python));
  }
  return renditions;
}

/** For one photograph: changes quality numbers until each rendition scores like ours, or none comes closer. */
async function match(
  contender: Contender,
  ours: readonly Rendition[],
  python: LineWorker,
): Promise<readonly Rendition[]> {
  const searches = ours.map((our): { readonly our: Rendition; readonly tried: Rendition[] } => ({ our, tried: [] }));
  type Search = (typeof searches)[number];
  const next = ({ our, tried }: Search) => (tried.length === 0 ? our.quality : nextQuality(tried));
  for (let open = searches; open.length > 0; open = searches.filter((search) => next(search) !== undefined)) {
    const attempts = searches.map((search) => {
      const quality = next(search) ?? nearest(search.tried)?.quality ?? search.our.quality;
      return { search, wanted: { photo: search.our.photo, preset: { ...search.our.preset, quality } } };
    });
    await renderAll(
      contender,
      attempts.map(({ wanted }) => wanted),
    );
    for (const { search, wanted } of attempts) {
      if (open.includes(search)) search.tried.push(await judge(wanted, python, search.our.score));
    }
  }
  return searches.flatMap(({ tried }) => nearest(tried) ?? []);
}

// ── The result ──────────────────────────────────────────────────────────────────────────────────────────────────────

function resultTable(results: readonly Result[], starts: ReadonlyMap<Contender, Cost>): string {
  const rows = results.map(({ contender, renditions, costs }) => {
    const base = results.find((result) => result.contender.formats.length === contender.formats.length);
    const ratio = (read: (cost: Cost) => number) => {
      const ours = (base?.costs ?? []).map(read);
      return showSummary(summarise(costs.map((cost, round) => read(cost) / (ours[round] ?? Number.NaN))), 2);
    };
    const off = renditions.map((one) => one.off);
    const farthest = [...off].sort((one, other) => Math.abs(other) - Math.abs(one))[0] ?? Number.NaN;
    const start = starts.get(contender);
    return [
      contender.name,
      ratio(({ cpu }) => cpu),
      ratio(({ wall }) => wall),
      (bytesOf(renditions) / bytesOf(base?.renditions ?? [])).toFixed(2),
      mean(renditions.map(({ score }) => score)).toFixed(1),
      `${mean(off).toFixed(1)}, ${farthest.toFixed(1)}`,
      everyFormat.map((format) => qualities(renditions, format)).join(' · '),
      start === undefined ? '–' : percent(start.cpu / median(costs.map(({ cpu }) => cpu))),
    ];
  });
  return table(
    [
      'contender',
      'CPU, × ours',
      'time, × ours',
      'bytes, × ours',
      'mean score',
      'score difference, largest',
      'quality WebP · JPEG · AVIF',
      'CPU share of starting',
    ],
    rows,
  );
}

const bytesOf = (renditions: readonly Rendition[]) => sum(renditions.map(({ bytes }) => bytes));

function qualities(renditions: readonly Rendition[], format: RenditionFormat): string {
  const numbers = renditions.filter(({ preset }) => preset.format === format).map(({ quality }) => quality);
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  if (numbers.length === 0) return '–';
  return least === most ? String(least) : `${least}–${most}`;
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
