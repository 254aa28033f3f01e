/** `npm run lab -- bench`: figures as Markdown. No test asserts them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { withGenerated } from '../../scripts/docs/generated-blocks.ts';
import { command, someOf } from '../../scripts/terminal/command.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';
import { benchBundles } from './bundles.ts';
import { benchDurations } from './durations.ts';
import { benchImage } from './image.ts';
import { benchMemory } from './memory.ts';
import { benchPeers } from './peers.ts';
import { benchPipeline } from './pipeline.ts';
import { benchQuality } from './quality.ts';
import { benchStages } from './stages.ts';
import { benchTuning } from './tuning.ts';

interface Section {
  /** Figures that are kept beside the page are written only if asked, too. */
  readonly bench: (write: boolean) => Promise<string>;
  /** Runs when none is named: a few minutes for all of them, and nothing to install. */
  readonly unasked: boolean;
  readonly page?: string;
}

const performancePage = join('lab', 'docs', 'performance.md');
const sections = {
  bundles: { bench: benchBundles, unasked: true, page: performancePage },
  image: { bench: benchImage, unasked: true, page: performancePage },
  stages: { bench: benchStages, unasked: true, page: performancePage },
  tuning: { bench: benchTuning, unasked: true, page: performancePage },
  pipeline: { bench: benchPipeline, unasked: true },
  durations: { bench: benchDurations, unasked: true },
  memory: { bench: benchMemory, unasked: false, page: performancePage },
  peers: { bench: benchPeers, unasked: false, page: performancePage },
  quality: { bench: benchQuality, unasked: false, page: join('lab', 'docs', 'quality.md') },
} satisfies Readonly<Record<string, Section>>;
type SectionName = keyof typeof sections;
const sectionNames = Object.keys(sections) as SectionName[];

export const benchCommand = command({
  name: 'bench',
  summary: 'Speed, package size, memory and image quality, also compared with other libraries. A few minutes.',
  syntax: (line) =>
    line
      .argument('[sections...]', sectionNames.join(', '), someOf(sectionNames))
      .option('--write', 'write the figures into lab/docs/performance.md and lab/docs/quality.md'),
  examples: {
    'npm run lab -- bench': 'all but memory, peers and quality',
    'npm run lab -- bench stages': 'one section',
    'npm run lab -- bench durations': 'what cost and scale calculate with; on Linux as root',
  },
  run: ({ arguments: [asked = []], options: { write = false } }) => bench(asked, write),
});

async function bench(asked: readonly SectionName[], write: boolean): Promise<void> {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, sharp ${sharp.versions.sharp}`;
  console.log(`# Benchmarks\n\n${machine}\n`);
  for (const name of sectionNames) {
    const { bench: measure, unasked, page }: Section = sections[name];
    if (asked.length === 0 ? !unasked : !asked.includes(name)) continue;
    const figures = await measure(write);
    console.log(`## ${name}\n\n${figures}\n`);
    if (!write || page === undefined) continue;
    const path = join(projectDirectory, page);
    const dated = `${new Date().toISOString().slice(0, 10)}, ${machine}.\n\n${figures}`;
    writeFileSync(path, withGenerated(readFileSync(path, 'utf8'), { [name]: dated }));
  }
}
