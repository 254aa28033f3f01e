/**
 * `npm run lab -- bench [section …] [--write]`: figures as Markdown, to be read beside those in docs. No test asserts them.
 * `--write` puts them where lab/docs/performance.md and lab/docs/quality.md have them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { parseOrSay } from '../../scripts/terminal/command-options.ts';
import { Failure } from '../../scripts/terminal/failure.ts';
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
import { replaceSection } from './write-section.ts';

interface Section {
  /** Figures that are kept beside the page are written only if asked, too. */
  readonly bench: (write: boolean) => Promise<string>;
  /** Runs when none is named: a few minutes for all of them, and nothing to install. */
  readonly unasked: boolean;
  readonly page?: string;
}

const usage =
  'npm run lab -- bench [SECTION …] [--write]: the figures of lab/docs/performance.md and lab/docs/quality.md.';
const performancePage = join('lab', 'docs', 'performance.md');
const sections: Readonly<Record<string, Section>> = {
  bundles: { bench: benchBundles, unasked: true, page: performancePage },
  image: { bench: benchImage, unasked: true, page: performancePage },
  stages: { bench: benchStages, unasked: true, page: performancePage },
  tuning: { bench: benchTuning, unasked: true, page: performancePage },
  pipeline: { bench: benchPipeline, unasked: true },
  durations: { bench: benchDurations, unasked: true },
  memory: { bench: benchMemory, unasked: false, page: performancePage },
  peers: { bench: benchPeers, unasked: false, page: performancePage },
  quality: { bench: benchQuality, unasked: false, page: join('lab', 'docs', 'quality.md') },
};

export async function bench(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseOrSay('npm run lab -- bench', () =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { write: { type: 'boolean', default: false }, help: { type: 'boolean' } },
    }),
  );
  if (values.help === true) return console.log(`${usage}\nSections: ${Object.keys(sections).join(', ')}.`);
  const unknown = positionals.filter((name) => !(name in sections));
  if (unknown.length > 0)
    throw new Failure(`Unknown: ${unknown.join(', ')}. Sections: ${Object.keys(sections).join(', ')}.`);

  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, sharp ${sharp.versions.sharp}`;
  console.log(`# Benchmarks\n\n${machine}\n`);
  for (const [name, { bench: measure, unasked, page }] of Object.entries(sections)) {
    if (positionals.length === 0 ? !unasked : !positionals.includes(name)) continue;
    const figures = await measure(values.write);
    console.log(`## ${name}\n\n${figures}\n`);
    if (!values.write || page === undefined) continue;
    const path = join(projectDirectory, page);
    const dated = `${new Date().toISOString().slice(0, 10)}, ${machine}.\n\n${figures}`;
    writeFileSync(path, replaceSection(readFileSync(path, 'utf8'), name, dated));
  }
}
