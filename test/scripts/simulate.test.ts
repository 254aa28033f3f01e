import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keptMeasurements } from '../../scripts/cost/measured.ts';
import { withBlocks } from '../../scripts/generated-blocks.ts';
import { Agenda, Clock } from '../../scripts/simulate/clock.ts';
import { Concurrency } from '../../scripts/simulate/concurrency.ts';
import { type Setup, simulate } from '../../scripts/simulate/pipeline.ts';
import { Processor } from '../../scripts/simulate/processor.ts';
import { extrapolate, reproduce, scaleBlocks, scaleChart } from '../../scripts/simulate/report.ts';
import { keptSaturationFile, readSaturation } from '../../scripts/simulate/saturation.ts';
import { accountSetup, stageSettings, throttleRetry } from '../../scripts/simulate/setups.ts';
import { scaleDocuments } from '../../scripts/simulate.ts';

const measured = keptMeasurements();
const saturation = readSaturation(keptSaturationFile);
const prod = (change: Partial<Setup> = {}, load = { rate: 50, seconds: 20 }) =>
  simulate({ ...accountSetup(measured, { ...load, dispatchers: 10, warm: true }), ...change }, throttleRetry);

describe('the simulation', () => {
  it.each(reproduce(saturation).map(({ step, simulated }) => ({ rate: step.rate, step, simulated })))(
    'reproduces within 20 % what the emulator decided at $rate images a second',
    ({ step, simulated }) => {
      expect(simulated.throughput / step.throughput).toBeGreaterThan(0.8);
      expect(simulated.throughput / step.throughput).toBeLessThan(1.2);
    },
  );

  it('saturates: at the highest rate its queue grows as the measured one did, within 20 %, and at the lowest none does', () => {
    const curve = reproduce(saturation);
    expect(curve[0]?.simulated.queueAtEndOfLoad).toBe(0);
    const highest = curve.at(-1);
    if (highest === undefined) throw new Error('no step');
    expect(highest.simulated.longestQueue / highest.step.longestQueue).toBeGreaterThan(0.8);
    expect(highest.simulated.longestQueue / highest.step.longestQueue).toBeLessThan(1.2);
  });

  it('says the same for the same seed, and something else for another', () => {
    expect(prod()).toEqual(prod());
    expect(prod({ seed: 1 })).not.toEqual(prod());
  });

  it('loses nothing: each image is decided or a dead letter, however many tries fail', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 60 }), (failures, rate) => {
        const outcome = prod({ failures, seed: rate }, { rate, seconds: 5 });
        expect(outcome.decided + outcome.dead).toBe(outcome.images);
      }),
      { numRuns: 20 },
    );
  });

  it('makes a dead letter of what fails each time, and of nothing else', () => {
    expect(prod({ failures: 1 })).toMatchObject({ decided: 0, dead: 1000, receives: 5000 });
    expect(prod({ failures: 0 })).toMatchObject({ decided: 1000, dead: 0, receives: 1000 });
  });

  it('has never more at work than the stage allows', () => {
    const { peak, throttles } = prod({}, { rate: 500, seconds: 20 });
    const { dispatchers, metadataConcurrency, resizeConcurrency } = stageSettings('prod');
    expect(peak.dispatchers).toBe(dispatchers);
    expect(peak.metadata).toBeLessThanOrEqual(metadataConcurrency);
    expect(peak.resize).toBeLessThanOrEqual(resizeConcurrency);
    expect(throttles).toBe(0);
  });

  it('tries again what is throttled within the workflow, at the price of time and of no try of the queue', () => {
    const scarce = prod({ resize: { most: 30, burst: 30, perSecond: 0 } });
    expect(scarce.throttles).toBeGreaterThan(0);
    expect(scarce).toMatchObject({ decided: scarce.images, receives: scarce.images });
    expect(scarce.p95Seconds).toBeGreaterThan(prod().p95Seconds);
  });

  it('brings up pollers by and by: a cold start leaves a queue where a warm one has none', () => {
    const load = { rate: 20, seconds: 20, dispatchers: 20 };
    const run = (warm: boolean) => simulate(accountSetup(measured, { ...load, warm }), throttleRetry);
    expect(run(true).longestQueue).toBe(0);
    expect(run(false).longestQueue).toBeGreaterThan(0);
  });

  it('keeps up with 10,000 images a second once there are dispatchers enough', () => {
    const [step] = extrapolate(measured, [10_000]);
    expect(step?.changed.p95Seconds).toBeLessThan(3);
    expect(step?.shipped.throughput).toBeLessThan(1000);
  });
});

describe('shared cores', () => {
  const ends = (cores: number, jobs: readonly { readonly at: number; readonly work: number }[]) => {
    const clock = new Clock();
    const processor = new Processor(clock, cores);
    const ended: number[] = [];
    jobs.forEach(({ at, work }, index) => {
      clock.after(at, () =>
        processor.run(work, () => {
          ended[index] = clock.now;
        }),
      );
    });
    clock.run();
    return ended;
  };

  it('are divided fairly among all that run', () => {
    expect(
      ends(1, [
        { at: 0, work: 1 },
        { at: 0, work: 1 },
      ]),
    ).toEqual([2, 2]);
    expect(
      ends(2, [
        { at: 0, work: 1 },
        { at: 0, work: 1 },
      ]),
    ).toEqual([1, 1]);
    // Half a second alone, then side by side until the first has had its second.
    expect(
      ends(1, [
        { at: 0, work: 1 },
        { at: 0.5, work: 1 },
      ]),
    ).toEqual([1.5, 2]);
  });

  it('of an account are as many as there are workers', () => {
    const jobs = Array.from({ length: 1000 }, () => ({ at: 0, work: 1 }));
    expect(new Set(ends(Number.POSITIVE_INFINITY, jobs))).toEqual(new Set([1]));
  });
});

describe('a function’s environments', () => {
  it('come up no faster than Lambda starts them', () => {
    const clock = new Clock();
    const pool = new Concurrency(clock, { most: 1000, burst: 2, perSecond: 1 });
    expect([pool.take(), pool.take(), pool.take()]).toEqual([true, true, false]);
    clock.after(1, () => expect([pool.take(), pool.take()]).toEqual([true, false]));
    clock.run();
    pool.release();
    expect(pool.take()).toBe(true);
    expect(pool.throttles).toBe(2);
  });
});

describe('the agenda', () => {
  it('gives back whatever was added, the earliest first, and of one time the first that came', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (times) => {
        const agenda = new Agenda();
        const taken: number[] = [];
        times.forEach((at, index) => {
          agenda.add(at, () => taken.push(index));
        });
        for (let next = agenda.take(); next !== undefined; next = agenda.take()) next.action();
        const expected = times
          .map((at, index) => ({ at, index }))
          .sort((left, right) => left.at - right.at || left.index - right.index);
        expect(taken).toEqual(expected.map(({ index }) => index));
      }),
    );
  });
});

describe('npm run simulate', () => {
  it('wrote docs/scale.md as template, presets and measurements are today (npm run simulate -- --write)', () => {
    const text = readFileSync(scaleDocuments.text, 'utf8');
    expect(text).toBe(withBlocks(text, 'simulate', scaleBlocks(saturation, measured)));
  });

  it('drew docs/scale.svg as they are today (npm run simulate -- --write)', async () => {
    expect(readFileSync(scaleDocuments.chart, 'utf8')).toBe(await scaleChart(saturation, measured));
  });
});
