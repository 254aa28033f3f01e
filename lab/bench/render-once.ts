/**
 * Runs one worker in a fresh process: a file through `portray` or a rendition group, as often as requested.
 *
 *     node lab/bench/render-once.ts <file> <portray | name of a group | all> [times] [settings as JSON]
 *
 * Prints as JSON: its peak memory in MB, and the CPU and wall milliseconds per image after the first.
 */

import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import sharp from 'sharp';
import { mean } from 'simple-statistics';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { renditionGroups } from '../../core/presets.ts';
import { presetsFor } from '../../core/rendition.ts';
import { openImage } from '../../test/support/open-image.ts';
import { type Cost, costOf, peakKilobytes } from './measure.ts';
import { type RuntimeSettings, runtimeSettings } from './render-in-process.ts';

const [file = '', job = 'portray', times = '1', settings = '{}'] = process.argv.slice(2);
const codec = sharpImageCodec();
const groups = renditionGroups.filter(({ name }) => job === 'all' || name === job);
use(runtimeSettings.parse(JSON.parse(settings)));

const costs: Cost[] = [];
for (let run = 0; run < Number(times); run += 1) costs.push(await costOf(work));
const warm = costs.length > 1 ? costs.slice(1) : costs;

console.log(
  JSON.stringify({
    megabytes: Math.round(peakKilobytes() / 1024),
    // Not the median, because only some runs collect garbage, on behalf of all.
    cpu: mean(warm.map(({ cpu }) => cpu)),
    wall: mean(warm.map(({ wall }) => wall)),
  }),
);

async function work(): Promise<void> {
  const bytes = new Uint8Array(readFileSync(file));
  const image = await openImage(codec, bytes);
  if (job === 'portray') await image.portray();
  for (const { presets } of groups) {
    const rendered = await image.render(presetsFor(image.header, presets));
    if (rendered.outcome === 'rejected') throw new Error(rendered.message);
  }
}

function use({ concurrency, cache, simd, heapGrowingPercent }: RuntimeSettings): void {
  if (concurrency !== undefined) sharp.concurrency(concurrency);
  if (cache !== undefined) sharp.cache(cache);
  if (simd !== undefined) sharp.simd(simd);
  if (heapGrowingPercent !== undefined) setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`);
}
