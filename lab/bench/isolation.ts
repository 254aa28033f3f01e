/** What it costs that decoders run in a process of their own (docs/decisions/0010). */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import * as z from 'zod';
import { projectDirectory } from '../../scripts/terminal/project.ts';
import { showSummary, summarise } from '../summary.ts';
import { table } from '../table.ts';

const ROUNDS = 7;
const PHOTOGRAPHS = 8;
const photo = fileURLToPath(new URL('../../test/fixtures/photos/book-d90-12mp.jpg', import.meta.url));
const places = ['inside', 'outside'] as const;

const measured = z.object({ coldWall: z.number(), coldCpu: z.number(), cpu: z.number(), megabytes: z.number() });
type Measured = z.infer<typeof measured>;

export async function benchIsolation(): Promise<string> {
  if (process.platform !== 'linux') return 'Skipped: only Linux reports the CPU time of another process.';
  const folder = await mkdtemp(join(tmpdir(), 'isolation-'));
  try {
    await bundle(folder);
    const runs = Array.from({ length: ROUNDS }, () => places.map((place) => run(folder, place)));
    return report(runs);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** As `sam build` bundles the functions. */
async function bundle(outdir: string): Promise<void> {
  const entryPoints = { worker: 'lab/bench/isolation-worker.ts', process: 'functions/resize-image/image-process.ts' };
  await build({
    ...{ entryPoints, outdir, absWorkingDir: projectDirectory, bundle: true, platform: 'node', format: 'cjs' },
    ...{ minify: true, target: 'node24', external: ['sharp'] },
  });
}

function run(folder: string, place: (typeof places)[number]): Measured {
  const options = [join(folder, 'worker.js'), place, photo, String(PHOTOGRAPHS), join(folder, 'process.js')];
  const NODE_PATH = join(projectDirectory, 'node_modules');
  const env = { ...process.env, NODE_PATH, MALLOC_ARENA_MAX: '2' };
  return measured.parse(JSON.parse(execFileSync(process.execPath, options, { env, encoding: 'utf8' })));
}

const figures: Readonly<Record<keyof Measured, string>> = {
  coldCpu: 'CPU until the first image is open, ms',
  coldWall: 'time until the first image is open, ms',
  cpu: 'CPU per photograph, ms',
  megabytes: 'memory after it, MB',
};

function report(runs: readonly (readonly Measured[])[]): string {
  const rows = Object.entries(figures).map(([name, title]) => {
    const figure = z.keyof(measured).parse(name);
    const [inside, outside] = places.map((_, at) => runs.map((round) => round[at]?.[figure] ?? Number.NaN));
    const ratios = (outside ?? []).map((value, round) => value / (inside?.[round] ?? Number.NaN));
    return [
      title,
      ...[inside, outside].map((values) => showSummary(summarise(values ?? []))),
      showSummary(summarise(ratios), 2),
    ];
  });
  return [
    `One 12-megapixel JPEG, opened, described and rendered by both workers. Medians of ${ROUNDS} interleaved rounds of ${PHOTOGRAPHS} (least–most).`,
    table(['', 'decoder in the worker', 'in a process of its own', 'ratio'], rows),
  ].join('\n\n');
}
