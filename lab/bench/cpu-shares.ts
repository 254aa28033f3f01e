/**
 * A share of a CPU for a process, as Lambda allocates it by memory: run for a quota, pause until the period is over. Uses
 * Linux cgroups (v2: cpu.max, v1: cpu.cfs_quota_us), if this user may write to them.
 */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectName } from '../../core/names.ts';

// The largest weight in each version, so that only the quota slows the process, not other programs.
const WEIGHT = { 'cpu.weight': '10000' };
const SHARES = { 'cpu.shares': '262144' };
// Measured in Lambda functions: https://github.com/pwrdrvr/lambda-throttling
const PERIOD_MICROS = 20_000;

export interface CpuShares {
  /** Limits the process, all its threads, and the processes it starts later. */
  limit(pid: number, vcpus: number): void;
  /** Removes the cgroups; call it after the limited processes have ended. */
  end(): void;
}

interface Hierarchy {
  readonly directory: string;
  readonly quota: (vcpus: number) => Readonly<Record<string, string>>;
}

/** Undefined if no cgroup can be created. */
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
