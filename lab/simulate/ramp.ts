/** What the simulation has to reproduce: runs of `npm run load`, and of their results what that takes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { type SizeClass, sizeClasses } from '../../load-tests/runner/plan.ts';
import { type RunResult, readResult, runResult, startOf } from '../../load-tests/runner/result.ts';
import { arrivalTimes, type Phase, phase } from '../../load-tests/runner/scenario.ts';
import { Failure } from '../../scripts/terminal/failure.ts';
import { shownPath, workDirectory } from '../../scripts/terminal/project.ts';
import { type Calm, costs, costsOf } from './calibrate.ts';
import { curveOf, type History, leavesQueue, totalSeconds } from './curve.ts';

/** Seconds are counted from the beginning of the first phase. */
const playedRun = z.object({
  /** Of the load run. */
  id: z.string(),
  scenario: z.string(),
  date: z.iso.date(),
  machine: z.string(),
  seed: z.int(),
  cores: z.int(),
  /** Cores that other programs had, in the phase where it was most. */
  others: z.number(),
  phases: z.array(phase),
  /** What the images were, in the order of their arrival: the first letter of each size class. */
  sizes: z.string().regex(/^[tsml]+$/),
  /** Seconds that their users waited. */
  waits: z.array(z.number()),
  /** How many waited in the queue, after each second. */
  queue: z.array(z.int()),
});
export type PlayedRun = z.infer<typeof playedRun>;

/** A run with calm phases, from which alone its costs are read. */
const ramp = playedRun.extend({ costs });
export type Ramp = z.infer<typeof ramp>;

export interface PlayedImage {
  readonly at: number;
  readonly size: SizeClass;
  readonly wait: number;
}

/** The first starts the processes. In the two after it nobody waits: what an image costs is read there, at two rates. */
const calmPhases = 3;
/** Of the first calm phase, until what the processes were started with is done: seconds. */
const settling = 15;
/** Messages that may wait for a moment without anybody being in anybody's way. */
const calmQueue = 3;
/** Cores that others may have without changing the curve. */
const quietCores = 0.2;

/** Of all images in the order of their arrival: where those of the calm phases begin and end. */
export function calmImages([start, ...phases]: readonly Phase[]): { readonly from: number; readonly to: number } {
  const from = start?.arrivalCount ?? 0;
  return { from, to: phases.slice(0, calmPhases - 1).reduce((sum, { arrivalCount }) => sum + arrivalCount, from) };
}

export const keptRampFile = fileURLToPath(new URL('ramp.json', import.meta.url));
const heldOutDirectory = fileURLToPath(new URL('held-out/', import.meta.url));

/** @throws {Failure} for what is no ramp, or says nothing of this pipeline because the machine did something else. */
export function readRamp(file: string): Promise<Ramp> {
  return readKept(file, ramp, distil);
}

/**
 * A run to be held against what a ramp's calm phases say of it.
 * @throws {Failure} for what is no run, or has nothing to compare
 */
export function readHeldOut(file: string): Promise<PlayedRun> {
  return readKept(file, playedRun, distilHeldOut);
}

/** @throws {Failure} where the ramp's costs say nothing of that run, or are read from it. */
export function checkComparable(ramp: Ramp, run: PlayedRun): void {
  const problem = incomparable(ramp, run);
  if (problem !== undefined) throw new Failure(problem);
}

/** A sentence that says why the ramp's costs say nothing of that run. */
export function incomparable(ramp: Ramp, { id, machine }: PlayedRun): string | undefined {
  if (id === ramp.id) return `The costs are read from ${id}: hold another run against them.`;
  return machine === ramp.machine
    ? undefined
    : `${id} is of ${machine}, the ramp ${ramp.id} of ${ramp.machine}: run both on one machine.`;
}

async function readKept<Kept>(
  file: string,
  schema: z.ZodType<Kept>,
  distilled: (run: RunResult) => Distilled<Kept>,
): Promise<Kept> {
  const kept = schema.safeParse(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined);
  if (kept.success) return kept.data;
  const result = distilled(await readResult(file));
  if (!result.fit) throw new Failure(`${shownPath(file)}: ${result.problem}`);
  return result.run;
}

/** The last ramp on this machine that is fit to be simulated, and is not one of those held out; else the kept one. */
export async function lastRamp(heldOut: readonly PlayedRun[]): Promise<{ readonly ramp: Ramp; readonly file: string }> {
  const runs = join(workDirectory, 'load', 'runs');
  const files = (existsSync(runs) ? readdirSync(runs) : [])
    .filter((name) => name.endsWith('-ramp'))
    .map((name) => join(runs, name, 'run.json'))
    .filter((file) => existsSync(file))
    .sort()
    .reverse();
  for (const file of files) {
    const run = runResult.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    const distilled = run.success && !heldOut.some(({ id }) => id === run.data.id) ? distil(run.data) : undefined;
    if (distilled?.fit) return { ramp: distilled.run, file };
  }
  return { ramp: await readRamp(keptRampFile), file: keptRampFile };
}

/** The kept runs that are no part of the calibration. */
export function heldOutFiles(): string[] {
  const names = existsSync(heldOutDirectory) ? readdirSync(heldOutDirectory) : [];
  return names.sort().map((name) => join(heldOutDirectory, name));
}

export function heldOutFile({ scenario, seed }: PlayedRun): string {
  return join(heldOutDirectory, `${scenario}-${seed}.json`);
}

/** A line for each field. */
export async function keepRun(file: string, run: PlayedRun): Promise<void> {
  const fields = Object.entries(run).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `{\n${fields.join(',\n')}\n}\n`);
}

/** When each image came, what it was, and how long its user waited. */
export function imagesOf({ phases, sizes, waits }: Pick<PlayedRun, 'phases' | 'sizes' | 'waits'>): PlayedImage[] {
  const times = arrivalTimes(phases);
  return [...sizes].flatMap((letter, index) => {
    const [at, wait] = [times[index], waits[index]];
    const size = sizeClasses.find((one) => one.startsWith(letter));
    return at === undefined || wait === undefined || size === undefined ? [] : [{ at, size, wait }];
  });
}

export function historyOf(run: PlayedRun): History {
  return {
    images: imagesOf(run).map(({ at, wait }) => ({ at, decidedAt: at + wait })),
    queue: run.queue.map((waiting, index) => ({ at: index + 1, waiting })),
  };
}

type Distilled<Kept> =
  | { readonly fit: true; readonly run: Kept }
  /** A sentence that says why nothing can be learnt from it. */
  | { readonly fit: false; readonly problem: string };

export function distil(run: RunResult): Distilled<Ramp> {
  const { phases, scenario } = run;
  if (scenario !== 'ramp') return { fit: false, problem: 'it is no ramp, whose calm phases say what an image costs.' };
  const { images, looks } = observed(run);
  const calm = { from: totalSeconds(phases.slice(0, 1)) + settling, to: totalSeconds(phases.slice(0, calmPhases)) };
  const played = distilPlayed(run);
  if (!played.fit) return played;
  if (looks.some((look) => isWithin(look, calm) && look.waiting > calmQueue)) {
    const names = phases.slice(1, calmPhases).map(({ name }) => name);
    const problem = `uploads waited already at ${names.join(' and ')}. Run the ramp again with a smaller --scale.`;
    return { fit: false, problem };
  }
  return {
    fit: true,
    run: {
      ...played.run,
      costs: costsOf({ images: images.slice(0, calmImages(phases).to), looks: looksUntilCalmEnds(phases, looks) }),
    },
  };
}

export function distilHeldOut(run: RunResult): Distilled<PlayedRun> {
  const played = distilPlayed(run);
  if (!played.fit) return played;
  return curveOf(played.run.phases, historyOf(played.run))
    .slice(1)
    .some(({ queueAtEnd }) => leavesQueue(queueAtEnd))
    ? played
    : { fit: false, problem: 'nothing waited at the end of any phase: there is nothing to compare.' };
}

function distilPlayed(run: RunResult): Distilled<PlayedRun> {
  const { phases } = run;
  const { images, looks } = observed(run);
  const others = Math.max(...spansOf(phases).map((span) => othersIn(looks.filter((look) => isWithin(look, span)))));
  const problem = problemOf(phases, { images, looks, others });
  if (problem !== undefined) return { fit: false, problem };
  return {
    fit: true,
    run: {
      id: run.id,
      scenario: run.scenario,
      date: run.startedAt.slice(0, 10),
      machine: run.machine,
      seed: run.seed,
      cores: run.processors,
      others: Number(others.toFixed(3)),
      phases,
      sizes: images.map(({ size }) => size.charAt(0)).join(''),
      waits: images.map(({ wait }) => Number(wait.toFixed(2))),
      queue: Array.from(
        { length: Math.ceil(looks.at(-1)?.to ?? 0) },
        (_, index) => looks.findLast(({ to }) => to <= index + 1)?.waiting ?? 0,
      ),
    },
  };
}

interface Span {
  readonly from: number;
  readonly to: number;
}

interface Observed {
  readonly images: readonly PlayedImage[];
  /** From one look at the queue to the next. */
  readonly looks: readonly (Span & { readonly waiting: number; readonly processor: Processor | undefined })[];
}

type Processor = NonNullable<RunResult['samples'][number]['processor']>;

function observed(run: RunResult): Observed {
  const [firstAt = 0] = arrivalTimes(run.phases);
  const start = startOf(run) - firstAt * 1000;
  const second = (at: number) => (at - start) / 1000;
  return {
    images: run.changes.flatMap(({ startedAt, decidedAt, outcome, class: size }) =>
      outcome !== 'processed' || decidedAt === undefined || size === undefined || size === 'corrupt'
        ? []
        : [{ at: second(startedAt), size, wait: (decidedAt - startedAt) / 1000 }],
    ),
    looks: run.samples.flatMap(({ at, processor, waiting }, index) => {
      const before = run.samples[index - 1];
      return before === undefined || before.at < start
        ? []
        : [{ from: second(before.at), to: second(at), processor, waiting }];
    }),
  };
}

/** A sentence for a run from which nothing can be learnt. */
function problemOf(
  phases: readonly Phase[],
  { images, looks, others }: Observed & { readonly others: number },
): string | undefined {
  if (looks.every(({ processor }) => processor === undefined)) {
    return 'it does not say who worked on the machine. That takes the emulator, and Linux.';
  }
  if (images.length < arrivalTimes(phases).length) return 'not all of its images were processed.';
  if (others > quietCores) {
    return `other programs took up to ${others.toFixed(1)} processors. Run it again on a quiet machine.`;
  }
  return undefined;
}

function looksUntilCalmEnds(phases: readonly Phase[], looks: Observed['looks']): Calm['looks'] {
  const calmEnd = totalSeconds(phases.slice(0, calmPhases));
  return looks.flatMap(({ from, to, processor }) => {
    if (processor === undefined || to > calmEnd) return [];
    const { DispatchImages: dispatcher, ExtractMetadata: metadata, ResizeImage: resize } = processor.processes;
    const { DispatchImages, ExtractMetadata, ResizeImage, RemoveRenditions, ...rest } = processor.millis;
    return [
      {
        ...{ from, to },
        millis: {
          ...{ dispatcher: DispatchImages, metadata: ExtractMetadata, resize: ResizeImage, removal: RemoveRenditions },
          ...rest,
        },
        processes: { dispatcher: dispatcher.alive, metadata: metadata.alive, resize: resize.alive },
      },
    ];
  });
}

/** The last is from the end of the last phase on. */
function spansOf(phases: readonly Phase[]): Span[] {
  const spans = phases.map((_, index) => ({
    from: totalSeconds(phases.slice(0, index)),
    to: totalSeconds(phases.slice(0, index + 1)),
  }));
  return [...spans, { from: totalSeconds(phases), to: Number.POSITIVE_INFINITY }];
}

function isWithin(look: Span, { from, to }: Span): boolean {
  return look.from >= from && look.to <= to;
}

/** Cores. */
function othersIn(looks: Observed['looks']): number {
  const seconds = looks.reduce((sum, { from, to }) => sum + to - from, 0);
  const millis = looks.reduce((sum, { processor }) => sum + (processor?.millis.others ?? 0), 0);
  return seconds === 0 ? 0 : millis / 1000 / seconds;
}
