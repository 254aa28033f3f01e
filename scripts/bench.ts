/** `npm run bench [section …]`: figures as Markdown, to be read beside those in docs. No test asserts them. */
import { cpus } from 'node:os';
import { benchBundles } from './bench/bundles.ts';
import { benchDurations } from './bench/durations.ts';
import { benchImage } from './bench/image.ts';
import { benchPipeline } from './bench/pipeline.ts';
import { benchSaturation } from './bench/saturation.ts';

const sections: Readonly<Record<string, () => Promise<string>>> = {
  bundles: benchBundles,
  image: benchImage,
  durations: benchDurations,
  pipeline: benchPipeline,
  saturation: benchSaturation,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in sections));
if (unknown.length > 0)
  throw new Error(`Unknown: ${unknown.join(', ')}. Sections: ${Object.keys(sections).join(', ')}.`);

console.log(`# Benchmarks\n\nNode ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}\n`);
for (const [name, bench] of Object.entries(sections)) {
  if (asked.length === 0 || asked.includes(name)) console.log(`## ${name}\n\n${await bench()}\n`);
}
