/**
 * Opens, describes and renders a photograph as a worker does, with its decoder inside this process or in one of its own.
 *
 *     node isolation-worker.js <inside | outside> <photograph> <times> <image-process.js>
 *
 * Prints as JSON: milliseconds until the first image was open, and CPU milliseconds per photograph and megabytes after it.
 */
import { readFileSync } from 'node:fs';
import { boundedImageCodec } from '../../adapters/sharp/bounded-image-codec.ts';
import { defaultLimits } from '../../core/limits.ts';
import type { ImageCodec } from '../../core/ports.ts';
import { renditionGroups } from '../../core/presets.ts';
import { presetsFor } from '../../core/rendition.ts';
import { openImage } from '../../test/support/open-image.ts';

const [place = '', file = '', times = '1', script = ''] = process.argv.slice(2);

async function main(): Promise<void> {
  const codec = await codecIn(place);
  const bytes = new Uint8Array(readFileSync(file));
  await openImage(codec, bytes);
  const cold = { wall: performance.now(), cpu: cpuMillis() };
  await work(codec, bytes);
  const before = cpuMillis();
  for (let run = 0; run < Number(times); run += 1) await work(codec, bytes);
  const cpu = (cpuMillis() - before) / Number(times);
  console.log(JSON.stringify({ coldWall: cold.wall, coldCpu: cold.cpu, cpu, megabytes: megabytes() }));
  process.exit();
}

async function codecIn(where: string): Promise<ImageCodec> {
  if (where === 'outside') return boundedImageCodec({ script, functionMegabytes: 1_769, limits: defaultLimits });
  // Loaded only here: a worker whose decoder has a process of its own does not load sharp.
  const { sharpImageCodec } = await import('../../adapters/sharp/sharp-image-codec.ts');
  return sharpImageCodec();
}

/** As both workers: each opens the image. */
async function work(codec: ImageCodec, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  await (await openImage(codec, bytes)).portray();
  for (const { presets } of renditionGroups) {
    const image = await openImage(codec, bytes);
    await image.render(presetsFor(image.header, presets));
  }
}

/** This process and its image process. */
function all(): readonly (number | string)[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean);
  return ['self', ...children];
}

function cpuMillis(): number {
  const ticks = all().map((pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, each) => sum + each, 0) * 10;
}

/** Pages that both share count once. */
function megabytes(): number {
  const kilobytes = all().map((pid) =>
    Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]),
  );
  return Math.round(kilobytes.reduce((sum, each) => sum + each, 0) / 1024);
}

void main();
