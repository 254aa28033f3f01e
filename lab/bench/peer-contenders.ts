/** The contenders of `npm run lab -- bench peers`: this project, plain sharp, and the usual alternatives. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import * as z from 'zod';
import { encoder } from '../../adapters/sharp/pyramid.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import type { ImageHeader } from '../../core/metadata.ts';
import type { Bytes } from '../../core/ports.ts';
import { type Preset, type RenditionFormat, renditionGroups } from '../../core/presets.ts';
import { renditionSize } from '../../core/rendition.ts';
import { workDirectory } from '../../scripts/terminal/project.ts';
import { openImage } from '../../test/support/open-image.ts';
import { type LineWorker, workerCost } from './line-worker.ts';
import { type Cost, costOf } from './measure.ts';

export interface Photo {
  readonly file: string;
  readonly bytes: Bytes;
  readonly header: ImageHeader;
}

export interface Contender {
  readonly name: string;
  readonly formats: readonly RenditionFormat[];
  /** Writes each rendition to {@link fileOf}. */
  render(photo: Photo, presets: readonly Preset[]): Promise<Cost>;
  /** For command-line programs: the cost of only starting them for this many presets. */
  readonly start?: (presets: number) => Promise<Cost>;
}

export const peersDirectory = join(workDirectory, 'bench-peers');
export const fileOf = ({ name, format }: Preset) =>
  join(peersDirectory, `${name}.${format === 'jpeg' ? 'jpg' : format}`);

export const everyFormat: readonly RenditionFormat[] = ['webp', 'jpeg', 'avif'];

/** Ours comes first, both overall and among those that write the same formats. */
export function contendersOf(
  python: LineWorker,
  node: LineWorker,
  versions: Readonly<Record<string, string | null>>,
): readonly Contender[] {
  const jpegOnly: readonly RenditionFormat[] = ['jpeg'];
  const of = (worker: LineWorker, peer: string, formats = everyFormat): readonly Contender[] => {
    const version = versions[peer];
    return version === null ? [] : [outside(worker, peer, `${peer} ${version}`, formats)];
  };
  return [
    ours('ours', everyFormat),
    naive('naive sharp, our settings', encoder),
    naive('naive sharp, its defaults', (picture, { format, quality }) => picture.toFormat(format, { quality })),
    ...of(python, 'Pillow'),
    ...of(python, 'vipsthumbnail'),
    ...of(python, 'ImageMagick'),
    ...of(node, '@napi-rs/image'),
    ours('ours, JPEG only', jpegOnly),
    ...of(node, 'jimp', jpegOnly),
  ];
}

export function versionsOf(worker: LineWorker): Promise<Readonly<Record<string, string | null>>> {
  return worker.ask({ do: 'versions' }, z.record(z.string(), z.nullable(z.string())));
}

function ours(name: string, formats: readonly RenditionFormat[]): Contender {
  const codec = sharpImageCodec();
  return {
    name,
    formats,
    render: ({ bytes }, presets) =>
      costOf(async () => {
        const image = await openImage(codec, bytes);
        for (const { presets: ofGroup } of renditionGroups) {
          const wanted = presets.filter(({ name }) => ofGroup.some((preset) => preset.name === name));
          const result = await image.render(wanted);
          if (result.outcome === 'rejected') throw new Error(result.message);
          for (const picture of result.renditions) await writeFile(fileOf(picture.preset), picture.bytes);
        }
      }),
  };
}

function naive(name: string, encode: typeof encoder): Contender {
  return {
    name,
    formats: everyFormat,
    render: ({ bytes, header }, presets) =>
      costOf(async () => {
        for (const preset of presets) {
          await encode(sharp(bytes).autoOrient().resize(renditionSize(header, preset)), preset).toFile(fileOf(preset));
        }
      }),
  };
}

/** How often a program is started for this many presets of a photograph. */
const starts: Readonly<Record<string, (presets: number) => number>> = {
  vipsthumbnail: (presets) => presets,
  ImageMagick: () => 1,
};

function outside(worker: LineWorker, peer: string, name: string, formats: readonly RenditionFormat[]): Contender {
  const startsFor = starts[peer];
  return {
    name,
    formats,
    render: ({ file, header }, presets) => {
      const renditions = presets.map((preset) => ({
        ...preset,
        effort: preset.effort ?? null,
        ...renditionSize(header, preset),
        file: fileOf(preset),
      }));
      return worker.ask({ do: 'render', peer, photo: file, renditions }, workerCost);
    },
    ...(startsFor && {
      start: async (presets) => {
        const { cpu, wall } = await worker.ask({ do: 'start', peer }, workerCost);
        return { cpu: cpu * startsFor(presets), wall: wall * startsFor(presets) };
      },
    }),
  };
}
