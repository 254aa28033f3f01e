import { beforeAll, describe, expect, it } from 'vitest';
import { type Findings, runHistories } from './histories.ts';
import { sabotages } from './sabotages.ts';
import { taskTroubles, workerTroubles } from './world.ts';

/**
 * The workflow itself with the real use cases, and everything around them in memory: uploads, overwrites, deletions,
 * repeats and redrives, interleaved at every await, with failures, crashes and zombies. `npm run lab -- prove model` runs
 * 10,000 of them, each time others.
 */
describe('500 histories of a bucket', () => {
  // Always the same: a defect breaks the build of whoever made it, and of nobody else.
  const seed = 20261121;
  let findings: Findings;
  beforeAll(async () => {
    findings = await runHistories({ seed, runs: 500 });
  }, 120_000);

  it('end as the reference says: nothing lost or resurrected, announced under one id, the winner’s renditions there and no others', () => {
    expect(findings.defect?.report).toBeUndefined();
  });

  it('meet with every kind of trouble, each at least 25 times', () => {
    const { troubles } = findings.figures;
    expect([...taskTroubles, ...workerTroubles].filter((kind) => (troubles.get(kind) ?? 0) < 25)).toEqual([]);
  });

  // These show at once; `npm run lab -- prove` goes through all of them.
  it.each(sabotages.filter(({ quick }) => quick))('notice it when $what', async ({ workflow }) => {
    expect((await runHistories({ seed, runs: 200, workflow })).defect).toBeDefined();
  });
});
