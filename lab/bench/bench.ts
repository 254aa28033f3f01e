/** `npm run lab -- bench`: figures to compare with those in lab/docs. No test asserts them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { Argument } from '@commander-js/extra-typings';
import sharp from 'sharp';
import { command, someOf } from '../../scripts/terminal/command.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';
import { withGenerated } from '../generated-blocks.ts';
import { printMarkdown } from '../markdown.ts';
import { benchBundles } from './bundles.ts';
import { benchDurations } from './durations.ts';
import { benchImage } from './image.ts';
import { benchIsolation } from './isolation.ts';
import { benchMemory } from './memory.ts';
import { benchMix } from './mix.ts';
import { benchOptions } from './options.ts';
import { benchPeers } from './peers.ts';
import { benchPipeline } from './pipeline.ts';
import { benchQuality } from './quality.ts';
import { benchStages } from './stages.ts';
import { benchTuning } from './tuning.ts';

interface Section {
  /** Also writes the stored measurements, only if requested. `against` is another commit. */
  readonly bench: (write: boolean, against: string | undefined) => Promise<string>;
  readonly shows: string;
  /** Runs when none is named: a few minutes for all of them, and nothing to install. */
  readonly unasked: boolean;
  readonly page?: string;
}

const performancePage = 'lab/docs/performance.md';
const sections = {
  bundles: { bench: benchBundles, shows: 'size and load time of each function', unasked: true, page: performancePage },
  image: { bench: benchImage, shows: 'describing and rendering a photograph', unasked: true, page: performancePage },
  stages: { bench: benchStages, shows: 'each stage of rendering', unasked: true, page: performancePage },
  tuning: { bench: benchTuning, shows: 'settings of the codec and the layer', unasked: true, page: performancePage },
  pipeline: { bench: benchPipeline, shows: 'upload to outcome on the emulator', unasked: true },
  durations: {
    bench: benchDurations,
    shows: 'processor time per worker, for the price (Linux, with sudo)',
    unasked: true,
  },
  isolation: {
    bench: benchIsolation,
    shows: 'a decoder in a process of its own (Linux)',
    unasked: false,
    page: performancePage,
  },
  mix: {
    bench: benchMix,
    shows: 'what phones and cameras send, also compared with an earlier commit (--against)',
    unasked: false,
    page: performancePage,
  },
  memory: { bench: benchMemory, shows: 'peak memory of each worker', unasked: false, page: performancePage },
  options: { bench: benchOptions, shows: 'what each option of a preset adds', unasked: true, page: 'lab/docs/cost.md' },
  peers: {
    bench: benchPeers,
    shows: 'other image libraries; installs them first',
    unasked: false,
    page: performancePage,
  },
  quality: {
    bench: benchQuality,
    shows: 'encoder settings by size and quality (about five minutes)',
    unasked: false,
    page: 'lab/docs/quality.md',
  },
} as const satisfies Readonly<Record<string, Section>>;
const names = Object.keys(sections);

export const benchCommand = command({
  name: 'bench',
  summary: 'Speed, package size, memory and image quality, also compared with other libraries. A few minutes.',
  syntax: (line) =>
    line
      .addArgument(
        new Argument('[section...]', 'which sections (default: those marked with *)').argParser(someOf(names)),
      )
      .option('--write', 'also write the figures into lab/docs')
      .option('--against <commit>', 'section mix: also measure the codec of this commit')
      .option('--markdown', 'print the tables as Markdown'),
  notes: [
    'Sections. Those marked with * take a few minutes together, and run if you name none:',
    ...Object.entries<Section>(sections).map(
      ([name, { shows, unasked }]) => `  ${`${name}${unasked ? ' *' : ''}`.padEnd(12)}${shows}`,
    ),
  ].join('\n'),
  run: ({ arguments: [wanted], options: { write = false, against, markdown } }) =>
    bench(wanted ?? [], { write, against, markdown }),
});

interface Options {
  readonly write: boolean;
  readonly against: string | undefined;
  readonly markdown: boolean | undefined;
}

async function bench(wanted: readonly string[], { write, against, markdown }: Options): Promise<void> {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, sharp ${sharp.versions.sharp}`;
  printMarkdown(`# Benchmarks\n\n${machine}\n`, markdown);
  for (const [name, { bench: measure, unasked, page }] of Object.entries<Section>(sections)) {
    if (wanted.length === 0 ? !unasked : !wanted.includes(name)) continue;
    const figures = await measure(write, against);
    printMarkdown(`## ${name}\n\n${figures}\n`, markdown);
    if (!write || page === undefined) continue;
    const path = join(projectDirectory, page);
    const dated = `${new Date().toISOString().slice(0, 10)}, ${machine}.\n\n${figures}`;
    writeFileSync(path, withGenerated(readFileSync(path, 'utf8'), { [name]: dated }));
  }
}
