import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { type Pixels, pixelsOf } from '../../adapters/sharp/pixels.ts';
import { baseSize, encoder } from '../../adapters/sharp/pyramid.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import type { ImageHeader } from '../../core/metadata.ts';
import type { Bytes } from '../../core/ports.ts';
import { allPresets, type Preset, type RenditionGroup, renditionGroups } from '../../core/presets.ts';
import { presetsFor, renditionSize } from '../../core/rendition.ts';
import { numberAt, templateFor } from '../../scripts/template/template.ts';
import { openImage } from '../../test/support/open-image.ts';
import { avifApart } from '../cost/practices.ts';
import { showSummary, summarise } from '../summary.ts';
import { table } from '../table.ts';
import { sideBySide } from './measure.ts';
import { renderInProcess } from './render-in-process.ts';
import { pixelsOfSize, renditionSizes } from './rendition-sizes.ts';

const ROUNDS = 7;
const REPEATS = 20;
const MEMORY_SIZE = numberAt(templateFor('prod').resources.get('ResizeImageFunction')?.Properties['MemorySize']);
const photo = fileURLToPath(new URL('../../test/fixtures/photos/book-d90-12mp.jpg', import.meta.url));

/** One 12-megapixel JPEG through every preset: our approach compared with others and with the least it could cost. */
export async function benchImage(): Promise<string> {
  const codec = sharpImageCodec();
  const bytes: Bytes = new Uint8Array(readFileSync(photo));
  const { header } = await openImage(codec, bytes);
  const all = presetsFor(header, allPresets);
  const rastersBySize = await rastersOf(bytes, header, all);

  const render = async (presets: readonly Preset[]) => {
    const result = await (await openImage(codec, bytes)).render(presets);
    if (result.outcome === 'rejected') throw new Error(result.message);
  };
  const renderGroups = async (groups: readonly RenditionGroup[]) => {
    for (const { presets } of groups) await render(presetsFor(header, presets));
  };
  const costs = await sideBySide(
    {
      floor: () => floor(bytes, header, all, rastersBySize),
      'as shipped, one decode per rendition group': () => renderGroups(renditionGroups),
      'the same with AVIF in its own group': () => renderGroups(avifApart({ groups: renditionGroups }).groups),
      'one pipeline per rendition, our settings': () => naive(bytes, header, all, withOurSettings),
      'one pipeline per rendition, sharp’s defaults': () => naive(bytes, header, all, withDefaults),
      'portrait (extract-metadata)': async () => (await openImage(codec, bytes)).portray(),
    },
    ROUNDS,
  );

  const floors = costs.get('floor') ?? [];
  const rows = [...costs].map(([name, runs]) => [
    name,
    showSummary(summarise(runs.map(({ cpu }) => cpu))),
    showSummary(summarise(runs.map(({ wall }) => wall))),
    showSummary(summarise(runs.map(({ cpu }, round) => cpu / (floors[round]?.cpu ?? Number.NaN))), 2),
  ]);
  return [
    `### One 12-megapixel JPEG, ${all.length} renditions`,
    `Medians of ${ROUNDS} interleaved rounds (least–most). The floor is one decode plus every encode, each from decoded pixels.`,
    table(['approach', 'CPU ms', 'wall ms', 'CPU, × floor'], rows),
    '### Each step alone',
    await stepTable(bytes, header, all, rastersBySize),
    '### Peak memory of a worker',
    memoryTable(),
  ].join('\n\n');
}

async function rastersOf(bytes: Bytes, header: ImageHeader, presets: readonly Preset[]): Promise<readonly Pixels[]> {
  const sizes = renditionSizes(header, presets);
  return await Promise.all(sizes.map((size) => pixelsOf(sharp(bytes).resize({ ...size, fit: 'cover' }))));
}

/** One decode with the resize that comes with it, and then only encoders. */
async function floor(
  bytes: Bytes,
  header: ImageHeader,
  presets: readonly Preset[],
  rasters: readonly Pixels[],
): Promise<void> {
  await decode(bytes, header, presets);
  for (const preset of presets) await encodeFrom(rasters, header, preset);
}

async function decode(bytes: Bytes, header: ImageHeader, presets: readonly Preset[]): Promise<void> {
  await pixelsOf(sharp(bytes).resize({ ...baseSize(header, presets), fit: 'fill' }));
}

async function encodeFrom(rasters: readonly Pixels[], header: ImageHeader, preset: Preset): Promise<number> {
  const { width, height, channels, data } = pixelsOfSize(rasters, renditionSize(header, preset));
  return (await encoder(sharp(data, { raw: { width, height, channels } }), preset).toBuffer()).length;
}

type Encode = typeof encoder;

async function naive(bytes: Bytes, header: ImageHeader, presets: readonly Preset[], encode: Encode): Promise<void> {
  for (const preset of presets) {
    await encode(sharp(bytes).autoOrient().resize(renditionSize(header, preset)), preset).toBuffer();
  }
}

const withOurSettings: Encode = encoder;
const withDefaults: Encode = (picture, { format, quality }) => picture.toFormat(format, { quality });

async function stepTable(
  bytes: Bytes,
  header: ImageHeader,
  presets: readonly Preset[],
  rasters: readonly Pixels[],
): Promise<string> {
  const encodes = presets.map((preset) => [preset.name, () => encodeFrom(rasters, header, preset)] as const);
  const costs = await sideBySide(
    Object.fromEntries([['decode to the largest size', () => decode(bytes, header, presets)], ...encodes]),
    ROUNDS,
  );
  const sizes = new Map<string, number>();
  for (const [name, encode] of encodes) sizes.set(name, await encode());
  return table(
    ['step', 'CPU ms', 'KB'],
    [...costs].map(([name, runs]) => [
      name,
      showSummary(summarise(runs.map(({ cpu }) => cpu)), 1),
      ((sizes.get(name) ?? 0) / 1000).toFixed(1),
    ]),
  );
}

function memoryTable(): string {
  const jobs = ['portray', ...renditionGroups.map(({ name }) => name)];
  const rows = jobs.flatMap((job) =>
    [1, REPEATS].map((times) => {
      const peak = renderInProcess({ file: photo, job, times }).megabytes;
      return [job, String(times), String(peak), `${Math.round((100 * peak) / MEMORY_SIZE)} %`];
    }),
  );
  return table(['job', 'images in a row', 'MB', `of ${MEMORY_SIZE} MB`], rows);
}
