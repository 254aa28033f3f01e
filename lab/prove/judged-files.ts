import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { at, numberAt, templateFor } from '../../scripts/template/template.ts';
import { projectDirectory, workDirectory } from '../../scripts/terminal/project.ts';
import type { Maker } from '../../test/hostile/hostile-file.ts';

const worker = templateFor('prod').resources.get('ResizeImageFunction')?.Properties;
export const MEGABYTES_OF_WORKER = numberAt(worker, 'MemorySize');
// Lambda stops it then. Measured in processor time, because this machine may be busy; a worker has one vCPU.
export const SECONDS_OF_WORKER = numberAt(worker, 'Timeout');
const environment = z.record(z.string(), z.unknown()).parse(at(worker, 'Environment', 'Variables'));
// One process for each of two processors.
export const SIDE_BY_SIDE = freemem() > 2 * MEGABYTES_OF_WORKER * 2 ** 20 ? 2 : 1;
const PATIENCE_MILLIS = 600_000;
const folder = join(workDirectory, 'hostile');
/** Files with defects are kept there. */
const defectsFolder = join(workDirectory, 'hostile-defects');

const line = z.object({
  file: z.string(),
  outcome: z.string().optional(),
  seconds: z.number().default(0),
  defects: z.array(z.string()).default([]),
  megabytes: z.number().default(0),
});
type Line = z.infer<typeof line>;

export interface Bounds {
  readonly megabytes: number;
  /** CPU time of one worker. */
  readonly seconds: number;
}

/** What is known of some files. */
export const tally = z.object({
  /** How many files ended how. */
  outcomes: z.record(z.string(), z.number()),
  megabytes: z.number(),
  seconds: z.number(),
  /** A sentence for each violation. */
  against: z.array(z.string()),
});
export type Tally = z.infer<typeof tally>;

export function filesIn({ outcomes }: Tally): number {
  return Object.values(outcomes).reduce((sum, files) => sum + files, 0);
}

export function together(tallies: readonly Tally[]): Tally {
  const outcomes: Record<string, number> = {};
  for (const [outcome, files] of tallies.flatMap((each) => Object.entries(each.outcomes))) {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + files;
  }
  return {
    outcomes,
    megabytes: Math.max(0, ...tallies.map((each) => each.megabytes)),
    seconds: Math.max(0, ...tallies.map((each) => each.seconds)),
    against: tallies.flatMap((each) => each.against),
  };
}

/** Judges files in one process, and those that follow one that ends it in another. @param name different for files that are judged at the same time */
export async function judgeTogether(
  makers: readonly Maker[],
  { name, bounds, mode }: { readonly name: string; readonly bounds: Bounds; readonly mode?: 'overlooked' },
): Promise<Tally> {
  const place = join(folder, name);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  for (const [index, [title, make]] of makers.entries()) {
    writeFileSync(join(place, `${String(index).padStart(4, '0')} ${title.replaceAll('/', '-')}`), await make());
  }
  const lines: Line[] = [];
  while (lines.length < makers.length) {
    const { end, stdout } = await judgedInProcess(place, mode);
    const found = verdictsIn(stdout, end);
    if (found.length === 0)
      throw new Error(`The process that judges files in ${place} ended with ${end} before the first.`);
    lines.push(...found);
    for (const { file, defects } of found) {
      if (defects.length > 0) keep(place, file);
      rmSync(join(place, file));
    }
  }
  rmSync(place, { recursive: true });
  return tallyOf(lines, bounds);
}

/** The file that was being judged when a process ended is to blame for that. */
export function verdictsIn(stdout: string, end: string | undefined): Line[] {
  const lines = stdout
    .split('\n')
    .filter(Boolean)
    .map((text) => line.parse(JSON.parse(text)));
  const ended = lines.filter(({ outcome }) => outcome !== undefined);
  const last = lines.at(-1);
  if (last === undefined || last.outcome !== undefined) return ended;
  return [...ended, { ...last, defects: [`The process ended with ${end}.`] }];
}

function keep(place: string, file: string): void {
  mkdirSync(defectsFolder, { recursive: true });
  copyFileSync(join(place, file), join(defectsFolder, file));
}

/** `end` is absent if the process ended normally. */
function judgedInProcess(
  place: string,
  mode: 'overlooked' | undefined,
): Promise<{ readonly end: string | undefined; readonly stdout: string }> {
  const options = {
    cwd: projectDirectory,
    env: {
      ...process.env,
      ...strings(environment),
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(MEGABYTES_OF_WORKER),
      // No place to spill to disk: a worker's disk is small and is not cleaned between calls. An image process gets its images there.
      ...(mode === undefined && { TMPDIR: '/nonexistent' }),
    },
    timeout: PATIENCE_MILLIS,
    maxBuffer: 2 ** 26,
  };
  const parameters = [join(import.meta.dirname, 'judge-files.ts'), place, ...(mode ? [mode] : [])];
  return new Promise((resolve) => {
    execFile('node', parameters, options, (error, stdout) => {
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

function tallyOf(lines: readonly Line[], bounds: Bounds): Tally {
  const tallies = lines.map(({ file, outcome = 'crashed', defects, megabytes, seconds }) => ({
    ...{ outcomes: { [outcome]: 1 }, megabytes, seconds },
    against: [
      ...defects.map((defect) => `${file}: ${defect}`),
      ...(megabytes > bounds.megabytes ? [`${file}: ${megabytes} MB; the limit is ${bounds.megabytes}.`] : []),
      ...(seconds > bounds.seconds ? [`${file}: ${seconds} s; the limit is ${bounds.seconds}.`] : []),
    ],
  }));
  return together(tallies);
}
