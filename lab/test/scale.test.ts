import { describe, expect, it } from 'vitest';
import { placesOf, readScenario, scenarioNames, thresholdsOf } from '../../load-tests/runner/scenario.ts';
import { assumptions } from '../cost/assumptions.ts';
import { deploymentOf } from '../cost/deployment.ts';
import { keptMeasurements } from '../cost/measured.ts';
import { backlogOf, capacityOf, type Dispatchers, dispatchersOf } from '../scale/queue.ts';
import { averages, quotas, reachedAt, reservableDispatchers } from '../scale/quotas.ts';
import { dispatchersFor } from '../scale/report.ts';

const measured = keptMeasurements();
const tenPerSecond: Dispatchers = { most: 5, imagesPerSecond: 2, warm: true };

describe('a queue', () => {
  it('stays empty if images arrive more slowly than they are processed', () => {
    const { longestQueue, waitOf, drainSeconds } = backlogOf([{ seconds: 60, images: 540 }], tenPerSecond);
    expect([longestQueue, waitOf(1), drainSeconds]).toEqual([0, 0, 0]);
  });

  it('grows if images arrive faster than they are processed, and drains afterwards', () => {
    const { longestQueue, waitOf, drainSeconds } = backlogOf([{ seconds: 10, images: 300 }], tenPerSecond);
    expect(longestQueue).toBeCloseTo(200, 6);
    expect(drainSeconds).toBeCloseTo(20, 6);
    // The last image waits for all 200 before it, the middle one for half of them.
    expect(waitOf(1)).toBeCloseTo(20, 6);
    expect(waitOf(0.5)).toBeCloseTo(10, 0);
  });

  it('drains after a burst, more slowly while new images arrive', () => {
    const burst = [
      { seconds: 10, images: 300 },
      { seconds: 100, images: 500 },
    ];
    const { longestQueue, drainSeconds } = backlogOf(burst, tenPerSecond);
    expect(longestQueue).toBeCloseTo(200, 6);
    expect(drainSeconds).toBe(0);
  });

  it('is longer from a cold start, until the maximum number of batches is in progress', () => {
    const dispatchers = { ...tenPerSecond, most: 50 };
    const burst = [{ seconds: 10, images: 900 }];
    expect(backlogOf(burst, dispatchers).longestQueue).toBe(0);
    // 5 batches, and 5 more per second: 50 after 9 s, during which half of the additional ones are missing on average.
    expect(backlogOf(burst, { ...dispatchers, warm: false }).longestQueue).toBeGreaterThan(250);
  });

  it.each(['dev', 'prod'] as const)(
    'of stage %s drains at the rate that Little’s law gives for its dispatchers',
    (stage) => {
      const deployment = deploymentOf(stage);
      const dispatchers = dispatchersOf(stage, measured);
      const inWork = capacityOf(dispatchers) * averages(deployment, measured).dispatcher;
      expect(inWork).toBeCloseTo(dispatchers.most * deployment.batchSize, 6);
    },
  );
});

describe('the limits', () => {
  const prod = deploymentOf('prod');

  it('that stage prod sets are reached before any quota of the account', () => {
    const capacity = capacityOf(dispatchersOf('prod', measured));
    for (const quota of quotas(prod, measured)) expect(capacity, quota.name).toBeLessThan(reachedAt(quota));
  });

  it('of reserved concurrency allow no more dispatchers than the default quota of executions', () => {
    const most = reservableDispatchers(prod);
    const reserved = quotas(prod, measured).find(({ name }) => name === 'Lambda: reserved concurrency');
    const reached = reserved && reachedAt(reserved) / dispatchersOf('prod', measured).imagesPerSecond;
    expect(reached).toBeGreaterThan(most - 1e-6);
    expect(reached).toBeLessThan(most + 1);
  });

  it.each([10, 1000])('with enough dispatchers, %d images per second leave no queue', (rate) => {
    const dispatchers = dispatchersOf('prod', measured, dispatchersFor(rate, measured));
    expect(backlogOf([{ seconds: 60, images: 60 * rate }], dispatchers).longestQueue).toBe(0);
  });
});

const names = await scenarioNames();
const places = await Promise.all(names.map(placesOf));
it.each(names.filter((_, index) => places[index]?.includes('account')))(
  'the account thresholds of load scenario %s are one to four times the calculated values for stage dev',
  async (name) => {
    const { phases } = await readScenario(name, 'account', 1);
    const arriving = phases.map(({ duration, arrivalCount }) => ({ seconds: duration, images: arrivalCount }));
    // With the measured presets, for which the thresholds are set.
    const dev = { ...deploymentOf('dev'), groups: measured.presets };
    const { waitOf } = backlogOf(arriving, { ...dispatchersOf('dev', measured, undefined, dev), warm: false });
    const work = assumptions.deliveryMillis / 1000 + averages(dev, measured).workflow;
    const held = (await thresholdsOf(name, 'account')).filter(([metric]) => /^ready\.all\.ms\.p\d+$/.test(metric));
    for (const [metric, millis] of held) {
      const share = Number(/\d+$/.exec(metric)?.[0]) / 100;
      expect(millis / 1000 / (waitOf(share) + work), metric).toBeGreaterThan(1);
      expect(millis / 1000 / (waitOf(share) + work), metric).toBeLessThan(4);
    }
  },
);
