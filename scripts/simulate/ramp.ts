/** What the simulation has to reproduce: a ramp of `npm run load`, and of its result what that takes. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { Failure } from '../failure.ts';
import { sizeClasses } from '../load/plan.ts';
import { consumers, workers } from '../load/processor-time.ts';
import { type RunResult, runResult, startOf } from '../load/result.ts';
import { shownPath, workDirectory } from '../project.ts';

/** All seconds are counted from the first upload. */
const ramp = z.object({
  /** Of the load run. */
  id: z.string(),
  date: z.iso.date(),
  machine: z.string(),
  seed: z.int(),
  cores: z.int(),
  phases: z.array(z.object({ name: z.string(), seconds: z.number() })),
  /** Cores that other programs had, in the phase where it was most. */
  others: z.number(),
  /** When an image came, what it was, and how long its user waited. */
  images: z.array(z.tuple([z.number(), z.enum(sizeClasses), z.number()])),
  /** When it was looked, and how many waited. */
  queue: z.array(z.tuple([z.number(), z.int()])),
  /** Of the calm phases, from look to look: who had the processors, in ms, and how many processes each function has. */
  calm: z.array(
    z.object({
      from: z.number(),
      to: z.number(),
      millis: z.record(z.enum(consumers), z.number()),
      processes: z.record(z.enum(workers), z.int()),
    }),
  ),
});
export type Ramp = z.infer<typeof ramp>;

/** In the first two nobody waits in the queue: what an image costs is read there, and at two rates. */
export const calmPhases = 2;
/** Messages that may wait for a moment without anybody being in anybody's way. */
const calmQueue = 3;
/** Cores that others may have without changing the curve. */
const quietCores = 0.2;

export const keptRampFile = fileURLToPath(new URL('ramp.json', import.meta.url));

/** @throws {Failure} for what is no ramp, or says nothing of this pipeline because the machine did something else. */
export function readRamp(file: string): Ramp {
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const kept = ramp.safeParse(content);
  if (kept.success) return kept.data;
  const run = runResult.safeParse(content);
  if (!run.success || run.data.scenario !== 'ramp') {
    throw new Failure(`${shownPath(file)} is no run.json of npm run load -- ramp.`);
  }
  const problem = unfitness(run.data);
  if (problem !== undefined) throw new Failure(`${shownPath(file)}: ${problem}`);
  return distil(run.data);
}

/** The last ramp on this machine that is fit to be simulated, else the kept one. */
export function lastRamp(): { readonly ramp: Ramp; readonly file: string } {
  const runs = join(workDirectory, 'load', 'runs');
  const files = (existsSync(runs) ? readdirSync(runs) : [])
    .filter((name) => name.endsWith('-ramp'))
    .map((name) => join(runs, name, 'run.json'))
    .filter((file) => existsSync(file))
    .sort()
    .reverse();
  for (const file of files) {
    const run = runResult.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    if (run.success && unfitness(run.data) === undefined) return { ramp: distil(run.data), file };
  }
  return { ramp: readRamp(keptRampFile), file: keptRampFile };
}

/** A line for each image and look, so that a change can be read. */
export function writeRamp(kept: Ramp): void {
  const fields = Object.entries(kept).map(([name, value]) => {
    const text = Array.isArray(value)
      ? `[\n${value.map((row) => `    ${JSON.stringify(row)}`).join(',\n')}\n  ]`
      : JSON.stringify(value);
    return `  ${JSON.stringify(name)}: ${text}`;
  });
  writeFileSync(keptRampFile, `{\n${fields.join(',\n')}\n}\n`);
}

export function distil(run: RunResult): Ramp {
  const start = startOf(run);
  const second = (at: number) => round((at - start) / 1000);
  const phases = run.phases.map(({ name, duration }) => ({ name, seconds: duration }));
  const looks = run.samples.flatMap((sample, index) => {
    const before = run.samples[index - 1];
    return before === undefined || before.at < start
      ? []
      : [{ from: second(before.at), to: second(sample.at), sample }];
  });
  const ends = phases.map((_, index) => phases.slice(0, index + 1).reduce((sum, { seconds }) => sum + seconds, 0));
  const calmEnd = ends[calmPhases - 1] ?? 0;
  const othersIn = (from: number, to: number) => {
    const within = looks.filter((look) => look.from >= from && look.to <= to);
    const millis = within.reduce((sum, { sample }) => sum + (sample.processor?.millis.others ?? 0), 0);
    const seconds = within.reduce((sum, look) => sum + look.to - look.from, 0);
    return seconds === 0 ? 0 : millis / 1000 / seconds;
  };
  return {
    id: run.id,
    date: run.startedAt.slice(0, 10),
    machine: run.machine,
    seed: run.seed,
    cores: run.processors,
    phases,
    others: round(
      Math.max(...[...ends, Number.POSITIVE_INFINITY].map((end, index) => othersIn(ends[index - 1] ?? 0, end))),
    ),
    images: run.changes.flatMap(({ startedAt, decidedAt, outcome, class: size }) =>
      outcome !== 'processed' || decidedAt === undefined || size === undefined || size === 'corrupt'
        ? []
        : [[second(startedAt), size, round((decidedAt - startedAt) / 1000)]],
    ),
    queue: looks.map(({ to, sample }) => [to, sample.waiting]),
    calm: looks.flatMap(({ from, to, sample: { processor } }) =>
      processor === undefined || to > calmEnd
        ? []
        : [
            {
              from,
              to,
              millis: processor.millis,
              processes: {
                dispatcher: processor.processes.dispatcher.alive,
                metadata: processor.processes.metadata.alive,
                resize: processor.processes.resize.alive,
                removal: processor.processes.removal.alive,
              },
            },
          ],
    ),
  };
}

/** A sentence for a ramp from which nothing can be learnt. */
export function unfitness(run: RunResult): string | undefined {
  const { phases, images, queue, calm, others } = distil(run);
  const calmEnd = calm.at(-1)?.to;
  if (calmEnd === undefined) return 'it does not say who worked on the machine. That takes the emulator, and Linux.';
  if (images.length < run.phases.reduce((sum, { arrivalCount }) => sum + arrivalCount, 0)) {
    return 'not all of its images were processed.';
  }
  if (others > quietCores) {
    return `other programs took up to ${others.toFixed(1)} processors. Run the ramp again on a quiet machine.`;
  }
  if (queue.some(([at, waiting]) => at < calmEnd && waiting > calmQueue)) {
    const names = phases.slice(0, calmPhases).map(({ name }) => name);
    return `uploads waited already at ${names.join(' and ')}. Run the ramp again with a smaller --scale.`;
  }
  return undefined;
}

function round(value: number): number {
  return Number(value.toFixed(3));
}
