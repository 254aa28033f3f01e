/**
 * Sends every file in a folder through all workers, in a fresh process.
 *
 *     node lab/prove/judge-files.ts <folder> [overlooked]
 *
 * Prints one line of JSON before and after each file, so that a crash or a hang can be attributed to it. `overlooked`: no
 * check looks at a file before it is decoded, in an image process, and each file is followed by a good one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BoundedImageCodec, boundedImageCodec } from '../../adapters/sharp/bounded-image-codec.ts';
import { defaultLimits } from '../../core/limits.ts';
import { fixture } from '../../test/hostile/good-files.ts';
import { judge, type Verdict } from '../../test/hostile/workers.ts';
import { peakKilobytes } from '../bench/measure.ts';

// Fewer seconds of CPU time than a worker allows, so that the proof ends soon, and more of waiting for it on a busy machine.
const seconds = { cpuSeconds: 2, wallSeconds: 240 };

const [folder = '', mode] = process.argv.slice(2);
const codec = mode === 'overlooked' ? overlooking() : undefined;
for (const file of readdirSync(folder).sort()) {
  console.log(JSON.stringify({ file }));
  const bytes = readFileSync(join(folder, file));
  const verdict = codec ? await judgeOverlooked(bytes, codec) : await judge(bytes);
  const megabytes = codec?.peakMegabytes ?? Math.round(peakKilobytes() / 1024);
  console.log(JSON.stringify({ file, ...verdict, megabytes }));
}

function overlooking(): BoundedImageCodec {
  return boundedImageCodec({
    script: fileURLToPath(new URL('../../test/support/image-processes/unlimited.ts', import.meta.url)),
    functionMegabytes: Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']),
    limits: { ...defaultLimits, seconds },
  });
}

async function judgeOverlooked(bytes: Buffer, codec: BoundedImageCodec): Promise<Verdict> {
  const verdict = await judge(bytes, codec);
  const next = await judge(fixture('photos/rocket.jpg'), codec);
  const isAffected = next.outcome !== 'processed' || next.defects.length > 0;
  const defects = isAffected ? [`The next image ended ${next.outcome}: ${next.defects.join(' ')}`] : [];
  return { ...verdict, defects: [...verdict.defects, ...defects] };
}
