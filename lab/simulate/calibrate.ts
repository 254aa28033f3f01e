/** What an image costs on the machine of a ramp, read from its calm phases alone. */
import { Matrix, solve } from 'ml-matrix';
import * as z from 'zod';
import { type SizeClass, sizeClasses } from '../../load-tests/runner/plan.ts';
import { sum } from '../bench/measure.ts';

/** The functions that every picture passes. */
type Consumer = (typeof functions)[number] | 'removal' | 'emulator' | 'load' | 'others';
const functions = ['dispatcher', 'metadata', 'resize'] as const;
type FunctionName = (typeof functions)[number];

const functionCost = z.object({
  /** Core-seconds. */
  image: z.record(z.enum(sizeClasses), z.number()),
  /** Of a new process, until it works as the others do. */
  start: z.number(),
});
type FunctionCost = z.infer<typeof functionCost>;

const serviceCost = z.object({
  /** Core-seconds. */
  image: z.number(),
  /** Cores, whether images come or not. */
  upkeep: z.number(),
});

export const costs = z.object({
  functions: z.record(z.enum(functions), functionCost),
  emulator: serviceCost.extend({
    /** Core-seconds, for each new process of a function. */
    start: z.number(),
  }),
  load: serviceCost,
});
export type Costs = z.infer<typeof costs>;

/** From one look at the processes to the next. */
interface Look {
  /** Seconds. */
  readonly from: number;
  readonly to: number;
  readonly millis: Readonly<Record<Consumer, number>>;
  /** How many there are of each function. */
  readonly processes: Readonly<Record<FunctionName, number>>;
}

interface Image {
  /** Seconds. */
  readonly at: number;
  readonly size: SizeClass;
  /** Seconds until its user knew of it. */
  readonly wait: number;
}

export interface Calm {
  readonly images: readonly Image[];
  readonly looks: readonly Look[];
}

/** A new process loads its modules, and its first images take longer: so long all work is counted apart. */
const WARM_UP_SECONDS = 15;

/** By least squares: what the processors did from look to look is what came in that time, times what it costs. */
export function costsOf({ images, looks }: Calm): Costs {
  const starts = functions.map((name) => startsOf(looks, name));
  const isWarm = ({ from, to }: Look) => starts.flat().every(({ at }) => to < at || from > at + WARM_UP_SECONDS);
  const warm = looks.filter(isWarm);
  const workedOn = (some: readonly Image[], { from, to }: Look) =>
    some.reduce((sum, { at, wait }) => sum + overlap(from, to, at, at + wait) / wait, 0);

  /** What the processors did beyond what is expected, for each process that started. */
  const startCost = (consumer: Consumer, started: readonly Start[], expected: (look: Look) => number): number => {
    const processes = sum(started.map((start) => start.processes));
    const over = sum(looks.map((look) => secondsOf(look, consumer) - expected(look)));
    return processes === 0 ? 0 : costOf(over / processes);
  };
  const functionCost = (name: FunctionName, started: readonly Start[]): FunctionCost => {
    const bySize = Map.groupBy(images, ({ size }) => size);
    const worked = (look: Look) => sizeClasses.map((size) => workedOn(bySize.get(size) ?? [], look));
    const values = warm.map((look) => secondsOf(look, name));
    const [thumb = 0, small = 0, medium = 0, large = 0] = leastSquares(warm.map(worked), values);
    const expected = (look: Look) => dot(worked(look), [thumb, small, medium, large]);
    return { image: { thumb, small, medium, large }, start: startCost(name, started, expected) };
  };
  const serviceCost = (name: 'emulator' | 'load', counted: (look: Look) => number) => {
    const features = (look: Look) => [counted(look), look.to - look.from];
    const values = warm.map((look) => secondsOf(look, name));
    const [image = 0, upkeep = 0] = leastSquares(warm.map(features), values);
    const expected = (look: Look) => dot(features(look), [image, upkeep]);
    return { image, upkeep, expected };
  };
  const [dispatcher = [], metadata = [], resize = []] = starts;
  const emulator = serviceCost('emulator', (look) => workedOn(images, look));
  // Most of it is done when an image is sent.
  const load = serviceCost('load', ({ from, to }) => images.filter(({ at }) => at >= from && at < to).length);
  return {
    functions: {
      dispatcher: functionCost('dispatcher', dispatcher),
      metadata: functionCost('metadata', metadata),
      resize: functionCost('resize', resize),
    },
    emulator: {
      image: emulator.image,
      upkeep: emulator.upkeep,
      start: startCost('emulator', starts.flat(), emulator.expected),
    },
    load: { image: load.image, upkeep: load.upkeep },
  };
}

interface Start {
  readonly at: number;
  readonly processes: number;
}

function startsOf(calm: readonly Look[], name: FunctionName): Start[] {
  return calm.flatMap((look, index) => {
    const processes = look.processes[name] - (calm[index - 1]?.processes[name] ?? 0);
    return processes > 0 ? [{ at: look.from, processes }] : [];
  });
}

/** Below zero is noise, and so is what is beyond a tenth of a millisecond. */
function costOf(seconds: number): number {
  return Math.max(0, Number(seconds.toFixed(4)));
}

function leastSquares(features: readonly (readonly number[])[], values: readonly number[]): number[] {
  const rows = new Matrix(features.map((row) => [...row]));
  return solve(rows, Matrix.columnVector([...values]), true)
    .to1DArray()
    .map(costOf);
}

function secondsOf({ millis }: Look, consumer: Consumer): number {
  return millis[consumer] / 1000;
}

function dot(features: readonly number[], costs: readonly number[]): number {
  return sum(features.map((feature, index) => feature * (costs[index] ?? 0)));
}

function overlap(from: number, to: number, start: number, end: number): number {
  return Math.max(0, Math.min(to, end) - Math.max(from, start));
}
