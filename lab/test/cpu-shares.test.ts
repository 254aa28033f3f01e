import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectName } from '../../core/names.ts';
import { cpuShares } from '../bench/cpu-shares.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cgroup-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const written = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');

describe('a share of a CPU', () => {
  it('is a quota per 20 ms in cgroups version 1', () => {
    mkdirSync(join(root, 'cpu'));
    writeFileSync(join(root, 'cpu', 'cpu.cfs_quota_us'), '-1');
    cpuShares(root)?.limit(4711, 512 / 1769);
    const group = ['cpu', `${projectName}-bench-4711`];
    expect(written(...group, 'cpu.cfs_period_us')).toBe('20000');
    expect(written(...group, 'cpu.cfs_quota_us')).toBe('5789');
    expect(written(...group, 'cgroup.procs')).toBe('4711');
  });

  it('is the same quota in version 2, where the controller is delegated', () => {
    writeFileSync(join(root, 'cgroup.subtree_control'), 'cpuset cpu memory\n');
    cpuShares(root)?.limit(4711, 1.5);
    expect(written(`${projectName}-bench-4711`, 'cpu.max')).toBe('30000 20000');
    expect(written(`${projectName}-bench-4711`, 'cgroup.procs')).toBe('4711');
  });

  it.each([
    ['without cgroups', () => undefined],
    ['where the controller is not handed down', () => writeFileSync(join(root, 'cgroup.subtree_control'), 'memory\n')],
  ])('cannot be set %s', (_, given) => {
    given();
    expect(cpuShares(root)).toBeUndefined();
  });
});
