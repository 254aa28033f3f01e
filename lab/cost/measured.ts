/** Measured durations: of the last `npm run lab -- bench durations` on this machine, or else those in the repository. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { preset } from '../../adapters/contracts/preset.ts';
import { type ImageHeader, inputFormats } from '../../core/metadata.ts';
import type { RenditionGroup } from '../../core/presets.ts';
import { Failure } from '../../scripts/terminal/failure.ts';
import { shownPath, workDirectory } from '../../scripts/terminal/project.ts';

/** One job at one memory size: its time on the share of CPU that Lambda gives for that size, in ms. */
const run = z.object({
  memory: z.int(),
  threads: z.int(),
  millis: z.number(),
  least: z.number(),
  most: z.number(),
});
export type Run = z.infer<typeof run>;

const times = z.object({
  /** The work itself on one thread; independent of the share. */
  cpuMillis: z.number(),
  /** Additional CPU time of S3's client, for GET and PUTs over TLS. */
  clientCpuMillis: z.number(),
  runs: z.array(run),
});
export type Times = z.infer<typeof times>;

export const imageHeader = z.object({
  format: z.enum(inputFormats),
  width: z.int(),
  height: z.int(),
  orientation: z.literal([1, 2, 3, 4, 5, 6, 7, 8]),
  frames: z.int(),
  progressive: z.boolean(),
  hasAlpha: z.boolean(),
  colourSpace: z.string(),
}) satisfies z.ZodType<ImageHeader>;

const group = z.object({ name: z.string(), presets: z.array(preset) }) satisfies z.ZodType<RenditionGroup>;

const measuredUpload = z.object({
  name: z.string(),
  bytes: z.int(),
  header: imageHeader,
  /** CPU time of the reference job, which shows how fast this machine was at that moment: lab/docs/cost.md. */
  referenceCpuMillis: z.number(),
  metadata: times,
  groups: z.array(
    times.extend({ name: z.string(), renditions: z.array(z.object({ preset: z.string(), bytes: z.int() })) }),
  ),
  /** One sharp pipeline per rendition, with our encoder settings. */
  separateCpuMillis: z.number(),
  /** The same at sharp's default efforts. */
  naiveCpuMillis: z.number(),
});
export type MeasuredUpload = z.infer<typeof measuredUpload>;

const measured = z.object({
  date: z.iso.date(),
  machine: z.string(),
  cores: z.int(),
  node: z.string(),
  sharp: z.string(),
  /** The measured presets; for others, prices are estimates. */
  presets: z.array(group),
  uploads: z.array(measuredUpload),
});
export type Measured = z.infer<typeof measured>;

export const lastBenchFile = join(workDirectory, 'bench', 'durations.json');
export const keptFile = fileURLToPath(new URL('measured.json', import.meta.url));

export const keptMeasurements = (): Measured => read(keptFile);

export function lastMeasurements(): { readonly measured: Measured; readonly source: string } {
  const file = existsSync(lastBenchFile) ? lastBenchFile : keptFile;
  return { measured: read(file), source: shownPath(file) };
}

function read(file: string): Measured {
  const parsed = measured.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!parsed.success) {
    throw new Failure(
      `${shownPath(file)} does not have the format of this version. Run npm run lab -- bench durations.`,
    );
  }
  return parsed.data;
}
