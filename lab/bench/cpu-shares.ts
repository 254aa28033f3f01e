/**
 * A share of a CPU for a process, as Lambda gives it by memory: run for a quota, pause until the period is over. Linux
 * has it in cgroups (v2: cpu.max, v1: cpu.cfs_quota_us), for whoever may write there.
 */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectName } from '../../core/names.ts';

// Its neighbours on this machine are not to lengthen what the quota alone should: each version's largest weight.
const WEIGHT = { 'cpu.weight': '10000' };
const SHARES = { 'cpu.shares': '262144' };
// What the pauses of Lambda's own functions show: https://github.com/pwrdrvr/lambda-throttling
const PERIOD_MICROS = 20_000;

export interface CpuShares {
  /** The process, all its threads and what it starts later. */
  limit(pid: number, vcpus: number): void;
  /** Removes what was made: after the limited processes are gone. */
  end(): void;
}

interface Hierarchy {
  readonly directory: string;
  readonly quota: (vcpus: number) => Readonly<Record<string, string>>;
}

/** Nothing where no cgroup can be made. */
export function cpuShares(root = '/sys/fs/cgroup'): CpuShares | undefined {
  const hierarchy = hierarchyAt(root);
  if (hierarchy === undefined || !isWritable(hierarchy.directory)) return undefined;
  const made: string[] = [];
  return {
    limit(pid, vcpus) {
      const group = join(hierarchy.directory, `${projectName}-bench-${pid}`);
      mkdirSync(group);
      made.push(group);
      for (const [file, value] of Object.entries(hierarchy.quota(vcpus))) writeFileSync(join(group, file), value);
      writeFileSync(join(group, 'cgroup.procs'), String(pid));
    },
    end() {
      for (const group of made.splice(0)) rmdirSync(group);
    },
  };
}

function hierarchyAt(root: string): Hierarchy | undefined {
  const micros = (vcpus: number) => Math.round(vcpus * PERIOD_MICROS);
  const handedDown = join(root, 'cgroup.subtree_control');
  if (existsSync(handedDown) && readFileSync(handedDown, 'utf8').split(/\s+/).includes('cpu')) {
    return { directory: root, quota: (vcpus) => ({ ...WEIGHT, 'cpu.max': `${micros(vcpus)} ${PERIOD_MICROS}` }) };
  }
  const first = join(root, 'cpu');
  if (!existsSync(join(first, 'cpu.cfs_quota_us'))) return undefined;
  return {
    directory: first,
    quota: (vcpus) => ({
      ...SHARES,
      'cpu.cfs_period_us': String(PERIOD_MICROS),
      'cpu.cfs_quota_us': String(micros(vcpus)),
    }),
  };
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
