/** A scenario of load-tests/scenarios, read and checked before anything is sent. */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { sum } from 'simple-statistics';
import { parse } from 'yaml';
import * as z from 'zod';
import { Failure } from '../../scripts/terminal/failure.ts';
import { projectDirectory } from '../../scripts/terminal/project.ts';
import type { Mix } from './plan.ts';

/** Where a scenario runs; Artillery calls it an environment. */
export type Place = 'emulator' | 'account';

/** The most changes a run may make at any scale: about $2.50 in an account. */
export const mostChanges = 25_000;
/** No run takes longer than this, including the time to drain. */
const longestSeconds = 2 * 3600;

const share = z.number().min(0).max(100);

// Arrivals only as counts: Artillery runs those in one worker, on any number of processors, and spaces them evenly.
export const phase = z.strictObject({
  name: z.string(),
  duration: z.int().positive(),
  arrivalCount: z.int().positive(),
});

export const routes = ['bucket', 'gallery'] as const;

const place = z.strictObject({
  phases: z.array(phase).min(1),
  variables: z.strictObject({ drainSeconds: z.int().positive() }),
  ensure: z.strictObject({
    thresholds: z.array(z.record(z.string(), z.number())),
    conditions: z.array(z.strictObject({ expression: z.string() })).min(1),
  }),
});

const scenarioFile = z.strictObject({
  config: z.strictObject({
    target: z.literal('the emulator or a named stack'),
    processor: z.literal('../processor.ts'),
    plugins: z.strictObject({ ensure: z.strictObject({}) }),
    variables: z
      .strictObject({
        /** Where users upload: to the bucket, or through the API of gallery/ and its live messages. */
        through: z.enum(routes).default('bucket'),
        sizes: z.strictObject({ thumb: share, small: share, medium: share, large: share }),
        corruptPercent: share.default(0),
        twicePercent: share.default(0),
        deletePercent: share.default(0),
        sharedKeys: z.int().min(0).default(0),
      })
      .refine(
        ({ through, twicePercent, deletePercent, sharedKeys }) =>
          through === 'bucket' || twicePercent + deletePercent + sharedKeys === 0,
        'Through the gallery, each upload is a new image with a key of its own.',
      ),
    // People sign in to the gallery without a password on this machine only.
    environments: z.strictObject({ emulator: place, account: place.optional() }),
  }),
  scenarios: z
    .array(z.strictObject({ name: z.string(), flow: z.array(z.strictObject({ function: z.literal('takeTurn') })) }))
    .length(1),
});

export type Phase = z.infer<typeof phase>;

/** Seconds from the start of the first phase, as Artillery spaces them: each user of a phase arrives after a pause. */
export function arrivalTimes(phases: readonly Pick<Phase, 'duration' | 'arrivalCount'>[]): number[] {
  return phases.flatMap(({ duration, arrivalCount }, phase) => {
    const from = sum(phases.slice(0, phase).map((one) => one.duration));
    return Array.from({ length: arrivalCount }, (_, index) => from + ((index + 1) * duration) / arrivalCount);
  });
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly file: string;
  readonly through: (typeof routes)[number];
  readonly mix: Mix;
  readonly phases: readonly Phase[];
  readonly users: number;
  /** After the last arrival, until every change must be decided. */
  readonly drainSeconds: number;
  readonly seconds: number;
  /** Thresholds and conditions together. */
  readonly checks: number;
}

const directory = join(projectDirectory, 'load-tests', 'scenarios');

export async function scenarioNames(): Promise<string[]> {
  return (await readdir(directory)).map((file) => basename(file, '.yml')).sort();
}

async function readFileOf(name: string) {
  const names = await scenarioNames();
  if (!names.includes(name))
    throw new Failure(`There is no scenario ${JSON.stringify(name)}. Scenarios: ${names.join(', ')}.`);
  const file = join(directory, `${name}.yml`);
  const parsed = scenarioFile.safeParse(parse(await readFile(file, 'utf8')));
  if (!parsed.success) throw new Failure(`${file} is not a scenario. ${z.prettifyError(parsed.error)}`);
  return { file, ...parsed.data };
}

/** Where the scenario can run. */
export async function placesOf(name: string): Promise<Place[]> {
  const { config } = await readFileOf(name);
  return config.environments.account === undefined ? ['emulator'] : ['emulator', 'account'];
}

async function readPlace(name: string, where: Place) {
  const { config, ...rest } = await readFileOf(name);
  const found = config.environments[where];
  if (found === undefined) throw new Failure(`${name} runs on the emulator only: run it without --stack.`);
  return { ...rest, ...found, config };
}

/** The limit of each metric, in milliseconds. */
export async function thresholdsOf(name: string, where: Place): Promise<[metric: string, millis: number][]> {
  const { ensure } = await readPlace(name, where);
  return ensure.thresholds.flatMap((threshold) => Object.entries(threshold));
}

export async function readScenario(name: string, where: Place, scale: number): Promise<Scenario> {
  const { file, config, scenarios, phases, variables, ensure } = await readPlace(name, where);
  const scaled = phases.map((one) => ({ ...one, arrivalCount: Math.max(1, Math.round(one.arrivalCount * scale)) }));
  return {
    name,
    title: scenarios[0]?.name ?? name,
    file,
    through: config.variables.through,
    mix: config.variables,
    phases: scaled,
    users: sum(scaled.map(({ arrivalCount }) => arrivalCount)),
    drainSeconds: variables.drainSeconds,
    seconds: sum(scaled.map(({ duration }) => duration)),
    checks: sum(ensure.thresholds.map((one) => Object.keys(one).length)) + ensure.conditions.length,
  };
}

/** @throws {Failure} if a run would exceed the limits. */
export function checkBounds({ name, seconds, drainSeconds }: Scenario, changes: number): void {
  if (changes > mostChanges) {
    throw new Failure(`${name} would make ${changes} changes; the limit is ${mostChanges}. Use a smaller --scale.`);
  }
  if (seconds + drainSeconds > longestSeconds) {
    throw new Failure(
      `${name} would take ${seconds + drainSeconds} s; the limit is ${longestSeconds} s. Shorten its phases.`,
    );
  }
}
