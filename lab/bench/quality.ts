/** The price of a point of perceptual quality in bytes and CPU, by format, effort, chroma and tables: lab/docs/quality.md. */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { mean, median } from 'simple-statistics';
import * as z from 'zod';
import { type Pixels, pixelsOf } from '../../adapters/sharp/pixels.ts';
import { encoder } from '../../adapters/sharp/pyramid.ts';
import { type Preset, type RenditionFormat, renditionGroups } from '../../core/presets.ts';
import { projectDirectory, workDirectory } from '../../scripts/terminal/project.ts';
import { assumptions } from '../cost/assumptions.ts';
import { deploymentOf } from '../cost/deployment.ts';
import { gigabyteSecond, gigabytes } from '../cost/model.ts';
import { PRICES_OF, prices } from '../cost/prices.ts';
import { table } from '../table.ts';
import { startPythonPeers } from './install-peers.ts';
import type { LineWorker } from './line-worker.ts';
import { costOf } from './measure.ts';
import { type ChartPoint, qualityChart } from './quality-chart.ts';
import { atScore, type Measured, priceOfAPoint } from './rate-distortion.ts';
import { referenceJob } from './reference-job.ts';

const WIDTH = 1280;
const ROUNDS = 3;
const directory = join(workDirectory, 'bench-quality');
const chart = join(projectDirectory, 'lab', 'docs', 'quality.svg');
const photos = [
  'test/fixtures/photos/book-d90-12mp.jpg',
  'docs/samples/flowers-iphone5-gps-8mp.jpg',
  'docs/samples/tomatoes-5d-portrait-12mp.jpg',
  'docs/samples/hubble-deep-field.jpg',
];

interface Setting {
  readonly format: RenditionFormat;
  readonly name: string;
  readonly qualities: readonly number[];
  readonly encode: (picture: Sharp, quality: number) => Sharp;
}

type Encode = Setting['encode'];

const jpeg: Readonly<Record<string, Encode>> = {
  'standard tables': (picture, quality) => picture.jpeg({ quality }),
  'table 3, 4:4:4': (picture, quality) => picture.jpeg({ quality, quantisationTable: 3, chromaSubsampling: '4:4:4' }),
  'table 3, trellis': (picture, quality) => picture.jpeg({ quality, quantisationTable: 3, trellisQuantisation: true }),
  'table 3, progressive': (picture, quality) => picture.jpeg({ quality, quantisationTable: 3, progressive: true }),
  'mozjpeg: table 3, trellis, scans': (picture, quality) => picture.jpeg({ quality, mozjpeg: true }),
};

const webp: Readonly<Record<string, Encode>> = {
  'effort 0': (picture, quality) => picture.webp({ quality, effort: 0 }),
  'effort 1': (picture, quality) => picture.webp({ quality, effort: 1 }),
  'effort 4 (sharp’s default)': (picture, quality) => picture.webp({ quality, effort: 4 }),
  'effort 6': (picture, quality) => picture.webp({ quality, effort: 6 }),
  'effort 2, sharp chroma': (picture, quality) => picture.webp({ quality, effort: 2, smartSubsample: true }),
  'effort 2, preset photo': (picture, quality) => picture.webp({ quality, effort: 2, preset: 'photo' }),
};

const avif: Readonly<Record<string, Encode>> = {
  'effort 1': (picture, quality) => picture.avif({ quality, effort: 1, chromaSubsampling: '4:2:0' }),
  'effort 2': (picture, quality) => picture.avif({ quality, effort: 2, chromaSubsampling: '4:2:0' }),
  'effort 4 (sharp’s default)': (picture, quality) => picture.avif({ quality, effort: 4, chromaSubsampling: '4:2:0' }),
  'effort 0, 4:4:4': (picture, quality) => picture.avif({ quality, effort: 0, chromaSubsampling: '4:4:4' }),
  'effort 0, tuned for SSIM': (picture, quality) =>
    picture.avif({ quality, effort: 0, chromaSubsampling: '4:2:0', tune: 'ssim' }),
};

const alternatives: Readonly<Record<RenditionFormat, Readonly<Record<string, Encode>>>> = { jpeg, webp, avif };

interface Family {
  readonly preset: Preset;
  readonly shipped: Setting;
  readonly others: readonly Setting[];
}

/** The presets of {@link WIDTH} pixels, each with its alternatives. */
const families: readonly Family[] = renditionGroups
  .flatMap(({ presets }) => presets)
  .filter(({ width }) => width === WIDTH)
  .map((preset) => {
    const { format, quality } = preset;
    return {
      preset,
      // The workers' own encoder.
      shipped: {
        format,
        name: `**as shipped**${preset.effort === undefined ? '' : `, effort ${preset.effort}`}`,
        qualities: [quality - 20, quality - 10, quality, quality + 10],
        encode: (picture, asked) => encoder(picture, { ...preset, quality: asked }),
      },
      others: Object.entries(alternatives[format]).map(([name, encode]) => ({
        format,
        name,
        // Far enough apart to include the shipped encoder's score.
        qualities: [quality - 10, quality, quality + 10],
        encode,
      })),
    };
  });

interface Encoded extends Omit<Measured, 'score'> {
  readonly photo: string;
  readonly setting: Setting;
  readonly quality: number;
  readonly file: string;
}
type Judged = Encoded & Measured;

export async function benchQuality(write: boolean): Promise<string> {
  await mkdir(directory, { recursive: true });
  const encoded: Encoded[] = [];
  const speeds: number[] = [];
  for (const photo of photos) {
    encoded.push(...(await encodeAll(photo)));
    for (let round = 0; round < ROUNDS; round += 1) speeds.push((await costOf(referenceJob)).cpu);
  }
  const judged = await judgeAll(encoded);
  if (write) await writeFile(chart, await qualityChart(families.flatMap((family) => chartPoints(family, judged))));
  return [
    `${photos.length} photographs, ${WIDTH} pixels wide, encoded from decoded pixels. The score is SSIMULACRA2 against those ` +
      `pixels; CPU is the median of ${ROUNDS} runs; all figures are means of the photographs. “At the shipped score” is interpolated ` +
      'between three quality numbers of each setting, per photograph (least–most).',
    ...families.map((family) => familySection(family, judged)),
    '### Formats compared',
    formatTable(judged),
    '### When more effort pays',
    payoffSection(judged, median(speeds)),
  ].join('\n\n');
}

// ── Measuring ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function encodeAll(photo: string): Promise<readonly Encoded[]> {
  const name = photo.replaceAll(/\W+/g, '-');
  const pixels = await pixelsOf(
    sharp(readFileSync(join(projectDirectory, photo)))
      .autoOrient()
      .resize(WIDTH, undefined, { withoutEnlargement: true })
      .toColourspace('srgb'),
  );
  await fromPixels(pixels).png({ compressionLevel: 1 }).toFile(referenceOf(photo));
  const encoded: Encoded[] = [];
  for (const setting of families.flatMap(({ shipped, others }) => [shipped, ...others])) {
    for (const quality of setting.qualities) {
      const { bytes, cpu } = await encode(setting, pixels, quality);
      const file = join(directory, `${name}-${encoded.length}.${setting.format}`);
      await writeFile(file, bytes);
      encoded.push({ photo, setting, quality, file, bytes: bytes.length, cpu });
    }
  }
  return encoded;
}

async function encode(setting: Setting, pixels: Pixels, quality: number) {
  const costs: number[] = [];
  let bytes = new Uint8Array();
  // One run is enough for a slow encoder: its noise is relatively small.
  while (costs.length < ROUNDS && !(costs.length > 0 && median(costs) > 1000)) {
    const { cpu } = await costOf(async () => {
      bytes = new Uint8Array(await setting.encode(fromPixels(pixels), quality).toBuffer());
    });
    costs.push(cpu);
  }
  return { bytes, cpu: median(costs) };
}

const fromPixels = ({ width, height, channels, data }: Pixels) => sharp(data, { raw: { width, height, channels } });

const referenceOf = (photo: string) => join(directory, `${photo.replaceAll(/\W+/g, '-')}.png`);

async function judgeAll(encoded: readonly Encoded[]): Promise<readonly Judged[]> {
  const judges = await Promise.all([startPythonPeers(), startPythonPeers()]);
  const waiting = [...encoded];
  const judged: Judged[] = [];
  const work = async (judge: LineWorker) => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      const question = { do: 'score', reference: referenceOf(one.photo), file: one.file };
      judged.push({ ...one, score: await judge.ask(question, z.number()) });
    }
  };
  try {
    await Promise.all(judges.map(work));
  } finally {
    for (const judge of judges) await judge.end();
  }
  return judged;
}

// ── Showing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function familySection(family: Family, judged: readonly Judged[]): string {
  const { preset, shipped, others } = family;
  const points = priceOfPoints(shipped, preset, judged);
  return [
    `### ${preset.format === 'jpeg' ? 'JPEG' : preset.format === 'webp' ? 'WebP' : 'AVIF'}, quality ${preset.quality}`,
    table(
      [
        'setting',
        `score at ${preset.quality}`,
        `KB at ${preset.quality}`,
        'CPU ms',
        'bytes at the shipped score',
        'CPU at the shipped score',
      ],
      [shipped, ...others].map((setting) => settingRow(setting, family, judged)),
    ),
    `As shipped, one more point costs ${percent(points.bytes)} bytes and ${percent(points.cpu)} CPU. By quality number:`,
    table(
      ['quality', 'score', 'KB', 'CPU ms'],
      shipped.qualities.map((quality) => {
        const all = judged.filter((one) => one.setting === shipped && one.quality === quality);
        return [String(quality), ...figures(all)];
      }),
    ),
  ].join('\n\n');
}

function settingRow(setting: Setting, { preset, shipped }: Family, judged: readonly Judged[]): string[] {
  const here = judged.filter((one) => one.setting === setting && one.quality === preset.quality);
  const ratios = photos.map((photo) => {
    const score = scoreOf(shipped, preset.quality, photo, judged);
    const own = atScore(curve(setting, photo, judged), score);
    const ours = atScore(curve(shipped, photo, judged), score);
    return { bytes: own.bytes / ours.bytes, cpu: own.cpu / ours.cpu };
  });
  return [setting.name, ...figures(here), range(ratios.map(({ bytes }) => bytes)), range(ratios.map(({ cpu }) => cpu))];
}

function formatTable(judged: readonly Judged[]): string {
  const base = families.find(({ preset }) => preset.format === 'webp');
  if (!base) return 'No WebP preset of that width to compare with.';
  const rows = families.map(({ shipped, preset }) => {
    const ratios = photos.map((photo) => {
      const score = scoreOf(base.shipped, base.preset.quality, photo, judged);
      const own = atScore(curve(shipped, photo, judged), score);
      const webps = atScore(curve(base.shipped, photo, judged), score);
      return { bytes: own.bytes / webps.bytes, cpu: own.cpu / webps.cpu };
    });
    return [preset.name, range(ratios.map(({ bytes }) => bytes)), range(ratios.map(({ cpu }) => cpu))];
  });
  return table(
    ['as shipped', `bytes at the score of ${base.preset.name}, × ${base.preset.name}`, `CPU, × ${base.preset.name}`],
    rows,
  );
}

/** US dollars per millisecond of this machine's CPU, per kilobyte stored for a month, and per kilobyte delivered. */
function dollars(referenceCpuMillis: number) {
  const prod = deploymentOf('prod');
  const millisecond = gigabytes(prod.memory.resize) * prices[gigabyteSecond(prod)].usd * 1e-3;
  return {
    cpu: (millisecond * assumptions.referenceMillis[prod.architecture].likely) / referenceCpuMillis,
    kept: prices.s3Storage.usd / 1e6,
    delivered: prices.cloudFrontTransfer.usd / 1e6,
  };
}

/** For settings that take more CPU for fewer bytes: after how long, or how many downloads, a rendition is cheaper. */
function payoffSection(judged: readonly Judged[], referenceCpuMillis: number): string {
  const { cpu: millisecond, kept, delivered } = dollars(referenceCpuMillis);
  const rows = families.flatMap(({ preset, shipped, others }) =>
    others.flatMap((setting) => {
      const differences = photos.map((photo) => {
        const score = scoreOf(shipped, preset.quality, photo, judged);
        const own = atScore(curve(setting, photo, judged), score);
        const ours = atScore(curve(shipped, photo, judged), score);
        return { cpu: own.cpu - ours.cpu, kilobytes: (ours.bytes - own.bytes) / 1000 };
      });
      const cpu = mean(differences.map((one) => one.cpu));
      const kilobytes = mean(differences.map((one) => one.kilobytes));
      // A setting must save bytes for every photograph to count.
      if (cpu <= 0 || differences.filter((one) => one.kilobytes > 0).length < differences.length) return [];
      const price = cpu * millisecond;
      const months = price / (kilobytes * kept);
      return [
        [
          `${preset.name}: ${setting.name}`,
          `+ ${cpu.toFixed(0)} ms`,
          `− ${kilobytes.toFixed(1)} KB`,
          months < 36 ? `${months.toFixed(0)} months` : `${(months / 12).toFixed(0)} years`,
          `${(price / (kilobytes * delivered)).toFixed(1)}`,
        ],
      ];
    }),
  );
  return [
    `At list prices (${PRICES_OF}, us-east-1), a million milliseconds of this machine’s CPU cost ` +
      `$${(1e6 * millisecond).toFixed(3)} on Lambda as deployed; a million kilobytes cost $${(1e6 * kept).toFixed(3)} per month in S3 ` +
      `and $${(1e6 * delivered).toFixed(3)} per delivery by CloudFront. At the shipped score, for the settings that save ` +
      'bytes for every photograph:',
    table(['instead of the shipped setting', 'CPU', 'bytes', 'pays after, stored in S3', 'or after, downloads'], rows),
  ].join('\n\n');
}

function priceOfPoints(shipped: Setting, preset: Preset, judged: readonly Judged[]) {
  const prices = photos.map((photo) =>
    priceOfAPoint(curve(shipped, photo, judged), scoreOf(shipped, preset.quality, photo, judged)),
  );
  return { bytes: mean(prices.map(({ bytes }) => bytes)), cpu: mean(prices.map(({ cpu }) => cpu)) };
}

function chartPoints({ preset, shipped, others }: Family, judged: readonly Judged[]): readonly ChartPoint[] {
  return [shipped, ...others].flatMap((setting) =>
    setting.qualities.map((quality) => {
      const all = judged.filter((one) => one.setting === setting && one.quality === quality);
      return {
        format: preset.format,
        setting: setting.name,
        shipped: setting === shipped,
        atPreset: quality === preset.quality,
        kilobytes: mean(all.map(({ bytes }) => bytes)) / 1000,
        cpu: mean(all.map(({ cpu }) => cpu)),
        score: mean(all.map(({ score }) => score)),
      };
    }),
  );
}

function curve(setting: Setting, photo: string, judged: readonly Judged[]): readonly Measured[] {
  return judged.filter((one) => one.setting === setting && one.photo === photo);
}

function scoreOf(setting: Setting, quality: number, photo: string, judged: readonly Judged[]): number {
  return mean(
    judged
      .filter((one) => one.setting === setting && one.photo === photo && one.quality === quality)
      .map(({ score }) => score),
  );
}

function figures(points: readonly Measured[]): string[] {
  return [
    mean(points.map(({ score }) => score)).toFixed(1),
    (mean(points.map(({ bytes }) => bytes)) / 1000).toFixed(0),
    mean(points.map(({ cpu }) => cpu)).toFixed(0),
  ];
}

const range = (values: readonly number[]) =>
  `${mean(values).toFixed(2)} (${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)})`;

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
