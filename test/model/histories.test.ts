import { beforeAll, describe, expect, it } from 'vitest';
import { type Findings, runHistories } from './histories.ts';
import { sabotages } from './sabotages.ts';
import { taskTroubles, workerTroubles } from './world.ts';

/**
 * The real workflow and use cases, with everything around them in memory: uploads, overwrites, deletions, repeats,
 * redrives, re-renders and backfills, interleaved at every await, with failures, crashes and zombies. `npm run lab -- prove model` runs 10,000 different
 * ones each time.
 */
describe('700 histories of a bucket', () => {
  // Fixed, so that a defect breaks only the build that introduced it.
  const seed = 20261129;
  let findings: Findings;
  beforeAll(async () => {
    findings = await runHistories({ seed, runs: 700 });
  });

  it('match the reference: nothing is lost or resurrected, each outcome has one event id, only the winner’s renditions remain', () => {
    expect(findings.defect?.report).toBeUndefined();
  });

  it('include every kind of disturbance at least 25 times', () => {
    const { troubles } = findings.figures;
    expect([...taskTroubles, ...workerTroubles].filter((kind) => (troubles.get(kind) ?? 0) < 25)).toEqual([]);
  });

  it('include at least 50 repairs by an audit', () => {
    expect(findings.figures.repairs).toBeGreaterThanOrEqual(50);
  });

  it('include at least 50 images that are rendered again', () => {
    expect(findings.figures.rerenders).toBeGreaterThanOrEqual(50);
  });

  it('include at least 50 images that are erased', () => {
    expect(findings.figures.erasures).toBeGreaterThanOrEqual(50);
  });

  it('include at least 50 backfills', () => {
    expect(findings.figures.backfills).toBeGreaterThanOrEqual(50);
  });

  // Those detected quickly; `npm run lab -- prove` runs all of them.
  it.each(sabotages.filter(({ quick }) => quick))('detect that $what', async ({ what: _, quick: __, ...broken }) => {
    const options = { seed, runs: 700, ...broken, shrink: false };
    expect((await runHistories(options)).defect).toBeDefined();
  });
});
