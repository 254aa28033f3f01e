/** Processor time by program during a run on the emulator, from /proc (Linux only). */
import { readdirSync, readFileSync } from 'node:fs';
import { type StepName, steps } from '../../core/steps.ts';
import { runFileVariable } from './run-file.ts';

/** Each of their processes is an execution environment. */
export const functionNames = steps.map(({ name }) => name);
export const consumers = [...functionNames, 'emulator', 'load', 'others'] as const;
export type Consumer = (typeof consumers)[number];

export interface ProcessorShare {
  /** Processor time since the previous call, by program. */
  readonly millis: Readonly<Record<Consumer, number>>;
  /** Processes per function: all, and those that used processor time. */
  readonly processes: Readonly<Record<StepName, { readonly alive: number; readonly busy: number }>>;
}

interface Process {
  readonly consumer: Exclude<Consumer, 'others'>;
  readonly millis: number;
}

/** By process id and start time, because ids are reused. */
type Books = ReadonlyMap<string, Process>;

// USER_HZ, the same on every Linux that Node.js supports.
const millisOfTick = 10;

/**
 * Each call covers the time since the previous one. Undefined if there is no /proc.
 *
 * @param endpoint the emulator's
 * @param runFile path that identifies Artillery's processes
 */
export function processorShares(endpoint: string, runFile: string): (() => ProcessorShare) | undefined {
  if (process.platform !== 'linux') return undefined;
  const marks = [`GATEWAY_PORT=${new URL(endpoint).port}`, `${runFileVariable}=${runFile}`] as const;
  let before: Books = readBooks(marks);
  let machineBefore = machineMillis();
  return () => {
    const now = readBooks(marks);
    const machine = machineMillis();
    const share = shareOf(before, now, machine - machineBefore);
    before = now;
    machineBefore = machine;
    return share;
  };
}

function shareOf(before: Books, now: Books, machine: number): ProcessorShare {
  const spent = [...now].map(([id, { consumer, millis }]) => ({
    consumer,
    millis: millis - (before.get(id)?.millis ?? 0),
  }));
  const of = (consumer: Consumer) => spent.filter((one) => one.consumer === consumer);
  const millisOf = (consumer: Consumer) => of(consumer).reduce((sum, { millis }) => sum + millis, 0);
  const processesOf = (name: StepName) => ({
    alive: of(name).length,
    busy: of(name).filter(({ millis }) => millis > 0).length,
  });
  const ours = spent.reduce((sum, { millis }) => sum + millis, 0);
  return {
    millis: {
      ...byStep(millisOf),
      emulator: millisOf('emulator'),
      load: millisOf('load'),
      others: Math.max(0, machine - ours),
    },
    processes: byStep(processesOf),
  };
}

function readBooks([emulatorMark, loadMark]: readonly [string, string]): Books {
  const found = new Map<string, Process>();
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const environment = read(`/proc/${id}/environ`)?.split('\0') ?? [];
    const consumer = environment.includes(emulatorMark)
      ? (workerOf(environment) ?? 'emulator')
      : Number(id) === process.pid || environment.includes(loadMark)
        ? 'load'
        : undefined;
    const stat = consumer === undefined ? undefined : read(`/proc/${id}/stat`);
    if (consumer === undefined || stat === undefined) continue;
    // The fields after the program's name, which may contain anything: 3 and up in proc_pid_stat(5).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [user, system, startedAt] = [fields[11], fields[12], fields[19]];
    found.set(`${id}/${startedAt}`, { consumer, millis: (Number(user) + Number(system)) * millisOfTick });
  }
  return found;
}

/** Undefined for the emulator's own processes: functions inherit its environment, and also have a name. */
function workerOf(environment: readonly string[]): StepName | undefined {
  const name = environment.find((entry) => entry.startsWith('AWS_LAMBDA_FUNCTION_NAME='));
  return name === undefined ? undefined : functionNames.find((step) => name.includes(`-${step}Function`));
}

/** Busy time of all cores: neither idle nor waiting for a disk. Includes time that the hypervisor gave to other machines. */
function machineMillis(): number {
  const [, user, nice, system, , , interrupts, softInterrupts, stolen] = (read('/proc/stat') ?? '').split(/\s+/);
  return [user, nice, system, interrupts, softInterrupts, stolen].reduce(
    (sum, ticks) => sum + Number(ticks) * millisOfTick,
    0,
  );
}

/** Undefined for a process that has ended or belongs to another user. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** A value for each step. */
export function byStep<Value>(read: (name: StepName) => Value): Readonly<Record<StepName, Value>> {
  // Object.fromEntries would lose the type of the keys.
  return Object.fromEntries(functionNames.map((name) => [name, read(name)])) as Record<StepName, Value>;
}
