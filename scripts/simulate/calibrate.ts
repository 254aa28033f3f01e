/** What an image costs on the machine of a ramp, read from its calm phases alone. */
import { Matrix, solve } from 'ml-matrix';
import { type SizeClass, sizeClasses } from '../load/plan.ts';
import type { Consumer } from '../load/processor-time.ts';
import type { Ramp } from './ramp.ts';

/** The functions that every picture passes. */
const functions = ['dispatcher', 'metadata', 'resize'] as const;
type FunctionName = (typeof functions)[number];

/** Core-seconds. */
interface FunctionCost {
  readonly image: Readonly<Record<SizeClass, number>>;
  /** Of a new process, until it works as the others do. */
  readonly start: number;
}

interface ServiceCost {
  /** Core-seconds. */
  readonly image: number;
  /** Cores, whether images come or not. */
  readonly upkeep: number;
  /** Core-seconds, for each new process of a function. */
  readonly start: number;
}

export interface Costs {
  readonly functions: Readonly<Record<FunctionName, FunctionCost>>;
  readonly emulator: ServiceCost;
  readonly load: ServiceCost;
}

/** A new process loads its modules, and its first images take longer: so long it is counted apart. */
const WARM_UP_SECONDS = 5;

type Look = Ramp['calm'][number];
type Image = Ramp['images'][number];

/** By least squares: what the processors did from look to look is what came in that time, times what it costs. */
export function costsOf(ramp: Ramp): Costs {
  const starts = functions.map((name) => startsOf(ramp.calm, name));
  const isWarm = ({ from, to }: Look) => starts.flat().every(({ at }) => to < at || from > at + WARM_UP_SECONDS);
  const warm = ramp.calm.filter(isWarm);
  const workedOn = (images: readonly Image[], { from, to }: Look) =>
    images.reduce((sum, [at, , wait]) => sum + overlap(from, to, at, at + wait) / wait, 0);

  /** What the processors did beyond what is expected, for each process that started. */
  const startCost = (consumer: Consumer, started: readonly Start[], expected: (look: Look) => number): number => {
    const processes = sum(started.map((start) => start.processes));
    const over = sum(ramp.calm.map((look) => secondsOf(look, consumer) - expected(look)));
    return processes === 0 ? 0 : Math.max(0, over / processes);
  };
  const functionCost = (name: FunctionName, started: readonly Start[]): FunctionCost => {
    const bySize = Map.groupBy(ramp.images, ([, size]) => size);
    const worked = (look: Look) => sizeClasses.map((size) => workedOn(bySize.get(size) ?? [], look));
    const values = warm.map((look) => secondsOf(look, name));
    const [thumb = 0, small = 0, medium = 0, large = 0] = leastSquares(warm.map(worked), values);
    const expected = (look: Look) => dot(worked(look), [thumb, small, medium, large]);
    return { image: { thumb, small, medium, large }, start: startCost(name, started, expected) };
  };
  const serviceCost = (name: 'emulator' | 'load', counted: (look: Look) => number): ServiceCost => {
    const features = (look: Look) => [counted(look), look.to - look.from];
    const values = warm.map((look) => secondsOf(look, name));
    const [image = 0, upkeep = 0] = leastSquares(warm.map(features), values);
    return { image, upkeep, start: startCost(name, starts.flat(), (look) => dot(features(look), [image, upkeep])) };
  };
  const [dispatcher = [], metadata = [], resize = []] = starts;
  return {
    functions: {
      dispatcher: functionCost('dispatcher', dispatcher),
      metadata: functionCost('metadata', metadata),
      resize: functionCost('resize', resize),
    },
    emulator: serviceCost('emulator', (look) => workedOn(ramp.images, look)),
    // Most of it is done when an image is sent.
    load: serviceCost('load', ({ from, to }) => ramp.images.filter(([at]) => at >= from && at < to).length),
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

/** Costs below zero are noise. */
function leastSquares(features: readonly (readonly number[])[], values: readonly number[]): number[] {
  const rows = new Matrix(features.map((row) => [...row]));
  return solve(rows, Matrix.columnVector([...values]), true)
    .to1DArray()
    .map((value) => Math.max(0, value));
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

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
