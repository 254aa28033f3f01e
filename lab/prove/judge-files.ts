/**
 * Sends every file in a folder through all workers, in a fresh process.
 *
 *     node lab/prove/judge-files.ts <folder>
 *
 * Prints one line of JSON before and after each file, so that a crash or a hang can be attributed to it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { judge } from '../../test/hostile/workers.ts';
import { peakKilobytes } from '../bench/measure.ts';

const [folder = ''] = process.argv.slice(2);
for (const file of readdirSync(folder).sort()) {
  console.log(JSON.stringify({ file }));
  const verdict = await judge(readFileSync(join(folder, file)));
  console.log(JSON.stringify({ file, ...verdict, megabytes: Math.round(peakKilobytes() / 1024) }));
}
