import { existsSync, readFileSync } from 'node:fs';

/** Milliseconds. */
export interface Cost {
  readonly cpu: number;
  readonly wall: number;
}

export interface Summary {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  await work();
  const wall = performance.now() - before;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { cpu: (user + system) / 1000, wall };
}

/** All contenders once a round, each round led by another: what slows the machine or leaves garbage hits them alike. */
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

export function summarise(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
    least: sorted[0] ?? Number.NaN,
    most: sorted.at(-1) ?? Number.NaN,
  };
}

export function median(values: readonly number[]): number {
  return summarise(values).median;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

export function showSummary({ median, least, most }: Summary, digits = 0): string {
  return `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil((share / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/** Linux counts into maxRSS what the parent held when it forked; its own high-water mark begins with the program. */
export function peakKilobytes(): number {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
  const [, highWaterMark] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return highWaterMark === undefined ? process.resourceUsage().maxRSS : Number(highWaterMark);
}
