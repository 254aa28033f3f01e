/** What a piece of work takes: processor time, wall time, memory. */
import { existsSync, readFileSync } from 'node:fs';

/** Milliseconds. */
export interface Cost {
  readonly cpu: number;
  readonly wall: number;
}

export async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  await work();
  const wall = performance.now() - before;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { cpu: (user + system) / 1000, wall };
}

/** Runs all contenders once per round, in rotating order, so that other load and garbage affect them equally. */
export async function sideBySide<Name extends string>(
  contenders: Readonly<Record<Name, () => Promise<unknown>>>,
  rounds: number,
): Promise<ReadonlyMap<Name, readonly Cost[]>> {
  const names = Object.keys(contenders) as Name[];
  const costs = new Map<Name, readonly Cost[]>();
  for (const name of names) await contenders[name]();
  for (let round = 0; round < rounds; round += 1) {
    const shift = round % names.length;
    for (const name of [...names.slice(shift), ...names.slice(0, shift)])
      costs.set(name, [...(costs.get(name) ?? []), await costOf(contenders[name])]);
  }
  return costs;
}

/** On Linux, maxRSS includes the parent's memory at the fork; VmHWM starts with the program. */
export function peakKilobytes(): number {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
  const [, highWaterMark] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return highWaterMark === undefined ? process.resourceUsage().maxRSS : Number(highWaterMark);
}
