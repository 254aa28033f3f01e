import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import pMap from 'p-map';
import * as z from 'zod';
import { batchesOf } from '../../scripts/stack/batches.ts';
import { at, numberAt, templateFor } from '../../scripts/template/template.ts';
import { showStep } from '../../scripts/terminal/progress.ts';
import { projectDirectory, workDirectory } from '../../scripts/terminal/project.ts';
import { brokenFiles, truncatedAtParts } from '../../test/hostile/broken-files.ts';
import { excessiveWork } from '../../test/hostile/excessive-work.ts';
import { falseHeaders } from '../../test/hostile/false-headers.ts';
import { goodFiles } from '../../test/hostile/good-files.ts';
import { hostileHeics } from '../../test/hostile/heics.ts';
import type { Maker } from '../../test/hostile/hostile-file.ts';
import { collections, oddFiles } from '../../test/hostile/odd-files.ts';
import { oddProfiles } from '../../test/hostile/profiles.ts';
import { bombs } from './bombs.ts';
import { overloads } from './overloads.ts';
import type { Proof, ProofOptions } from './proof.ts';

const worker = templateFor('prod').resources.get('ResizeImageFunction')?.Properties;
// 30 % must stay free: docs/decisions/0006-image-work.md.
const MOST_MEGABYTES = Math.floor(numberAt(worker, 'MemorySize') * 0.7);
// Lambda stops it then. Measured in processor time, because this machine may be busy; a worker has one vCPU.
const MOST_SECONDS = numberAt(worker, 'Timeout');
// They are rejected, or are just below a limit.
const MOST_SECONDS_OF_EXCESS = 5;
const environment = z.record(z.string(), z.unknown()).parse(at(worker, 'Environment', 'Variables'));
const FILES_A_PROCESS = 50;
// One process for each of two processors.
const SIDE_BY_SIDE = freemem() > 2 * numberAt(worker, 'MemorySize') * 2 ** 20 ? 2 : 1;
const [SOME_BROKEN, MANY_BROKEN] = [200, 400];
const HEICS = 500;
const [SOME_SIZES, MANY_SIZES] = [2, 10];
const folder = join(workDirectory, 'hostile');
const PATIENCE_MILLIS = 600_000;

const line = z.object({
  file: z.string(),
  outcome: z.string().optional(),
  seconds: z.number().default(0),
  defects: z.array(z.string()).default([]),
  megabytes: z.number().default(0),
});

/** Hundreds of hostile files through the real workers, each in a separate process. */
export async function proveHostile({
  seed,
  long,
  runs = long ? MANY_BROKEN : SOME_BROKEN,
}: ProofOptions): Promise<readonly Proof[]> {
  const good = await goodFiles();
  const small = [
    ...(await oddFiles(good)),
    ...falseHeaders(good),
    ...(await oddProfiles()),
    ...collections(),
    ...truncatedAtParts(good),
    ...brokenFiles(good, seed, runs),
  ];
  const batches = batchesOf(small, FILES_A_PROCESS);
  const alone = (makers: readonly Maker[]) => makers.map((maker) => [maker]);
  return [
    proof('broken and misleading files', await judged('Broken and misleading', batches, SIDE_BY_SIDE)),
    proof(
      'HEICs that are damaged, or whose parts do not fit together,',
      await judged('HEIC', batchesOf(hostileHeics(seed, HEICS), FILES_A_PROCESS), SIDE_BY_SIDE),
    ),
    proof('small files with very many parts', await judged('Overloads', alone(overloads()), SIDE_BY_SIDE)),
    proof(
      'small files that request excessive work',
      await judged('Excessive work', alone(excessiveWork(seed, long ? MANY_SIZES : SOME_SIZES)), SIDE_BY_SIDE),
      MOST_SECONDS_OF_EXCESS,
    ),
    proof('bombs, each in a fresh worker,', await judged('Bombs', alone(bombs()), 1)),
  ];
}

type Line = z.infer<typeof line>;

function judged(title: string, batches: readonly (readonly Maker[])[], atOnce: number): Promise<Line[]> {
  return showStep(`${title}: ${batches.flat().length}`, async (report) => {
    rmSync(folder, { recursive: true, force: true });
    let done = 0;
    const judge = async (batch: readonly Maker[], index: number) => {
      report(`${done} judged`);
      const found = await judgedTogether(batch, join(folder, String(index)));
      done += found.length;
      return found;
    };
    const lines = await pMap(batches, judge, { concurrency: atOnce });
    return lines.flat();
  });
}

async function judgedTogether(makers: readonly Maker[], place: string): Promise<Line[]> {
  mkdirSync(place, { recursive: true });
  for (const [index, [name, make]] of makers.entries()) {
    writeFileSync(join(place, `${String(index).padStart(3, '0')} ${name.replaceAll('/', '-')}`), await make());
  }
  const { end, stdout } = await judgedInProcess(place);
  rmSync(place, { recursive: true });
  const lines = stdout
    .split('\n')
    .filter(Boolean)
    .map((text) => line.parse(JSON.parse(text)));
  const ended = lines.filter(({ outcome }) => outcome !== undefined);
  const last = lines.at(-1)?.file ?? 'the first file';
  const crash = { file: last, seconds: 0, defects: [`The process ended with ${end}.`], megabytes: 0 };
  return end === undefined ? ended : [...ended, crash];
}

/** `end` is absent if the process ended normally. */
function judgedInProcess(place: string): Promise<{ readonly end: string | undefined; readonly stdout: string }> {
  const options = {
    cwd: projectDirectory,
    // No place to spill to disk: a worker's disk is small and is not cleaned between calls.
    env: { ...process.env, ...strings(environment), TMPDIR: '/nonexistent' },
    timeout: PATIENCE_MILLIS,
    maxBuffer: 2 ** 26,
  };
  return new Promise((resolve) => {
    execFile('node', [join(import.meta.dirname, 'judge-files.ts'), place], options, (error, stdout) => {
      const end = error === null ? undefined : error.signal ? `signal ${error.signal}` : `exit code ${error.code}`;
      resolve({ end, stdout });
    });
  });
}

/** The environment variables that the template sets to plain strings: MALLOC_ARENA_MAX, VIPS_BLOCK_UNTRUSTED, VIPS_MAX_COORD. */
function strings(variables: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
}

function proof(what: string, lines: readonly Line[], mostSeconds = MOST_SECONDS): Proof {
  const counts = [...Map.groupBy(lines, ({ outcome = 'crashed' }) => outcome)];
  const [megabytes, seconds] = [
    Math.max(...lines.map((each) => each.megabytes)),
    Math.max(...lines.map((each) => each.seconds)),
  ];
  const against = lines.flatMap(({ file, defects, ...took }) => [
    ...defects.map((defect) => `${file}: ${defect}`),
    ...(took.megabytes > MOST_MEGABYTES ? [`${file}: ${took.megabytes} MB; the limit is ${MOST_MEGABYTES}.`] : []),
    ...(took.seconds > mostSeconds ? [`${file}: ${took.seconds} s; the limit is ${mostSeconds}.`] : []),
  ]);
  return {
    promise: `${what} end processed or rejected, within the worker’s memory and time, and leak nothing into renditions`,
    evidence:
      `${lines.length} files: ${counts.map(([outcome, files]) => `${outcome} ${files.length}`).join(', ')}; ` +
      `at most ${megabytes} MB of ${MOST_MEGABYTES} and ${seconds.toFixed(1)} s of ${mostSeconds} per worker`,
    ...(against.length > 0 && { against: against.join('\n') }),
  };
}
