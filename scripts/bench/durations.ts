/**
 * What a worker spends on pictures of several sizes: the input of `npm run cost` and `npm run simulate`.
 *
 * Written to .darkroom/bench/durations.json; `npm run cost -- --write` keeps it for everybody.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import sharp from 'sharp';
import { encoder } from '../../adapters/sharp-image-codec/pyramid.ts';
import { sharpImageCodec } from '../../adapters/sharp-image-codec.ts';
import { extractMetadata } from '../../core/extract-metadata.ts';
import type { ImageTask } from '../../core/image-task.ts';
import type { Bytes } from '../../core/ports.ts';
import { type Preset, renditionGroups } from '../../core/presets.ts';
import { presetsFor, renditionSize } from '../../core/rendition.ts';
import { resizeImage } from '../../core/resize-image.ts';
import { InMemoryRenditionStore } from '../../test/support/in-memory-rendition-store.ts';
import { InMemoryUploadStore } from '../../test/support/in-memory-upload-store.ts';
import { lastBenchFile, type Measured, type MeasuredUpload } from '../cost/measured.ts';
import { type Cost, sideBySide, summarise, table } from './measure.ts';

const ROUNDS = 5;

const uploads: readonly { readonly name: string; readonly read: () => Promise<Uint8Array> }[] = [
  { name: 'photo-12mp-detailed', read: async () => file('docs/samples/tomatoes-5d-portrait-12mp.jpg') },
  { name: 'photo-12mp', read: async () => file('test/fixtures/photos/book-d90-12mp.jpg') },
  { name: 'photo-8mp', read: async () => file('docs/samples/flowers-iphone5-gps-8mp.jpg') },
  {
    name: 'photo-3mp',
    read: () =>
      sharp(file('docs/samples/flowers-iphone5-gps-8mp.jpg')).rotate().resize(2048).jpeg({ quality: 90 }).toBuffer(),
  },
  { name: 'web-jpeg', read: async () => file('docs/samples/rocket.jpg') },
  { name: 'web-png', read: async () => file('docs/samples/coffee.png') },
];

export async function benchDurations(): Promise<string> {
  const measured: Measured = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`,
    cores: cpus().length,
    node: process.version,
    sharp: sharp.versions.sharp ?? 'unknown',
    uploads: await inTurn(uploads, async ({ name, read }) => measure(name, new Uint8Array(await read()))),
    threads: await measureThreads(),
  };
  mkdirSync(dirname(lastBenchFile), { recursive: true });
  writeFileSync(lastBenchFile, `${JSON.stringify(measured, null, 2)}\n`);
  return [
    `Medians of ${ROUNDS} interleaved rounds: CPU ms | wall ms. \`npm run cost\` reads them from now on.`,
    table(
      [
        'upload',
        'metadata',
        ...renditionGroups.map(({ name }) => `resize, ${name}`),
        'renditions, kB',
        'one by one',
        'naive',
      ],
      measured.uploads.map(({ name, metadata, groups, separateCpuMillis, naiveCpuMillis }) => [
        name,
        showTimes(metadata),
        ...groups.map(showTimes),
        (
          groups.reduce((sum, { renditions }) => sum + renditions.reduce((all, { bytes }) => all + bytes, 0), 0) / 1000
        ).toFixed(0),
        separateCpuMillis.toFixed(0),
        naiveCpuMillis.toFixed(0),
      ]),
    ),
  ].join('\n\n');
}

async function measure(name: string, bytes: Bytes): Promise<MeasuredUpload> {
  const codec = sharpImageCodec();
  const inspected = await codec.inspect(bytes);
  if (inspected.outcome === 'rejected') throw new Error(inspected.message);
  const image = {
    ...{ bucket: 'b', key: name, imageId: '0'.repeat(32), sequencer: '0'.repeat(32) },
    ...{ versionId: '1', etag: '1', size: bytes.byteLength },
  };
  const task: ImageTask = { correlationId: name, image };
  const store = new InMemoryUploadStore();
  store.put(image, bytes);
  const renditions = new InMemoryRenditionStore();
  const ports = { uploads: store, codec, renditions };

  const presets = presetsFor(
    inspected.header,
    renditionGroups.flatMap((group) => group.presets),
  );
  const alone = async (preset: Preset, encode: typeof encoder) => {
    const { width } = renditionSize(inspected.header, preset);
    await encode(sharp(bytes).autoOrient().resize(width), preset).toBuffer();
  };
  const costs = await sideBySide<string>(
    {
      metadata: () => extractMetadata(task, ports, { keepLocation: false }),
      ...Object.fromEntries(
        renditionGroups.map((group) => [group.name, () => resizeImage({ ...task, group: group.name }, ports)]),
      ),
      separate: async () => {
        for (const preset of presets) await alone(preset, encoder);
      },
      naive: async () => {
        for (const preset of presets) await alone(preset, withDefaults);
      },
    },
    ROUNDS,
  );
  const times = (job: string) => medians(costs.get(job) ?? []);
  return {
    name,
    bytes: bytes.byteLength,
    header: inspected.header,
    metadata: times('metadata'),
    groups: renditionGroups.map((group) => ({
      name: group.name,
      ...times(group.name),
      renditions: presetsFor(inspected.header, group.presets).map((preset) => ({
        preset: preset.name,
        bytes: sizeOf(renditions, preset),
      })),
    })),
    separateCpuMillis: times('separate').cpuMillis,
    naiveCpuMillis: times('naive').cpuMillis,
  };
}

const withDefaults: typeof encoder = (picture, { format, quality }) => picture.toFormat(format, { quality });

/** Whether a second core would help one worker: libvips with one thread and with two, the least wall time of each. */
async function measureThreads(): Promise<Measured['threads']> {
  const codec = sharpImageCodec();
  const bytes: Bytes = new Uint8Array(file('docs/samples/tomatoes-5d-portrait-12mp.jpg'));
  const inspected = await codec.inspect(bytes);
  if (inspected.outcome === 'rejected') throw new Error(inspected.message);
  const { header } = inspected;
  const render = (threads: number) => async () => {
    sharp.concurrency(threads);
    for (const { presets } of renditionGroups) await codec.render(bytes, header, presetsFor(header, presets));
    sharp.concurrency(1);
  };
  const costs = await sideBySide<string>({ 1: render(1), 2: render(2) }, ROUNDS);
  return [...costs].map(([threads, runs]) => ({
    threads: Number(threads),
    wallMillis: Number(Math.min(...runs.map(({ wall }) => wall)).toFixed(1)),
  }));
}

function sizeOf(store: InMemoryRenditionStore, preset: Preset): number {
  const found = [...store.objects].find(([key]) => key.includes(`/${preset.name}.`));
  if (found === undefined) throw new Error(`${preset.name} was not rendered.`);
  return found[1].bytes.byteLength;
}

function medians(runs: readonly Cost[]) {
  const middle = (values: readonly number[]) => Number(summarise(values).median.toFixed(1));
  return { cpuMillis: middle(runs.map(({ cpu }) => cpu)), wallMillis: middle(runs.map(({ wall }) => wall)) };
}

const showTimes = ({ cpuMillis, wallMillis }: { readonly cpuMillis: number; readonly wallMillis: number }) =>
  `${cpuMillis.toFixed(0)} | ${wallMillis.toFixed(0)}`;

function file(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../${path}`, import.meta.url)));
}

/** One after the other: side by side they would slow each other down. */
async function inTurn<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}
