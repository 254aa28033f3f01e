/** A load test's curve, as the bench measured it: that of the last run on this machine, or the kept one. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { Failure } from '../failure.ts';
import { shownPath, workDirectory } from '../project.ts';

const step = z.object({
  /** Images a second that were sent, evenly. */
  rate: z.number(),
  images: z.int(),
  /** Images a second from the first upload to the last decision. */
  throughput: z.number(),
  /** From upload to decision. */
  p50Seconds: z.number(),
  p95Seconds: z.number(),
  /** Messages that waited, at the most. */
  longestQueue: z.int(),
  /** From the last upload to the last decision. */
  drainSeconds: z.number(),
});
export type SaturationStep = z.infer<typeof step>;

const saturation = z.object({
  date: z.iso.date(),
  machine: z.string(),
  cores: z.int(),
  /** What one image costs, measured at the lowest rate. */
  processorMillis: z.object({
    dispatcher: z.number(),
    metadata: z.number(),
    resize: z.number(),
    emulator: z.number(),
    sender: z.number(),
  }),
  steps: z.array(step),
});
export type Saturation = z.infer<typeof saturation>;

export const lastSaturationFile = join(workDirectory, 'bench', 'saturation.json');
export const keptSaturationFile = fileURLToPath(new URL('saturation.json', import.meta.url));

export function readSaturation(file: string): Saturation {
  const parsed = saturation.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new Failure(`${shownPath(file)} cannot be read: run npm run bench -- saturation.`);
  return parsed.data;
}
