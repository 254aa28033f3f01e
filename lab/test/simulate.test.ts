import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sizeClasses } from '../../load-tests/runner/plan.ts';
import type { RunResult } from '../../load-tests/runner/result.ts';
import { readScenario, scenarioNames, thresholdsOf } from '../../load-tests/runner/scenario.ts';
import { twoDigitsUp } from '../../load-tests/test/round-up-threshold.ts';
import { withBlocks } from '../../scripts/docs/generated-blocks.ts';
import { keptMeasurements } from '../cost/measured.ts';
import { accountSetup, photographsAt, scenarioArrivals } from '../simulate/account-setup.ts';
import { costsOf } from '../simulate/calibrate.ts';
import { Agenda, Clock } from '../simulate/clock.ts';
import { Account, Concurrency } from '../simulate/concurrency.ts';
import { curveOf, leavesQueue } from '../simulate/curve.ts';
import { emulatorSetup } from '../simulate/emulator-setup.ts';
import { outcomeOf } from '../simulate/outcome.ts';
import { type Setup, simulate } from '../simulate/pipeline.ts';
import { Processor } from '../simulate/processor.ts';
import {
  calmImages,
  checkComparable,
  distil,
  distilHeldOut,
  heldOutFiles,
  imagesOf,
  keptRampFile,
  type PlayedRun,
  type Ramp,
  readHeldOut,
  readRamp,
} from '../simulate/ramp.ts';
import {
  type Compared,
  compare,
  extrapolate,
  reproduce,
  scaleBlocks,
  scaleChart,
  sensitivity,
  strain,
} from '../simulate/report.ts';
import { scaleDocuments } from '../simulate/simulate.ts';
import { stageSettings, throttleRetry } from '../simulate/stage.ts';

const measured = keptMeasurements();
const ramp = await readRamp(keptRampFile);
const heldOut = await Promise.all(heldOutFiles().map(readHeldOut));
const scenarios = await scenarioNames();
const prod = (change: Partial<Setup> = {}, { rate, seconds } = { rate: 50, seconds: 20 }) => {
  const setup = accountSetup({ stage: 'prod', arrivals: photographsAt(measured, rate, seconds), warm: true });
  const simulated = simulate({ ...setup, ...change }, throttleRetry);
  return { ...simulated, ...outcomeOf(simulated) };
};

const isWithin =
  (share: number) =>
  ({ measured: one, simulated: other }: Compared) => {
    expect(other / one).toBeGreaterThan(1 - share);
    expect(other / one).toBeLessThan(1 + share);
  };
const within = isWithin(0.2);

describe('the simulation', () => {
  const curves = reproduce(ramp);
  it.each(compare(ramp.phases, curves))('reproduces within 20 % what the ramp measured: $figure', within);

  it.each(
    sensitivity(ramp).flatMap(({ estimate, factor, compared }) =>
      compared.map((figures) => ({ estimate, factor, ...figures })),
    ),
  )('needs no luck with its estimates: $figure, with $estimate times $factor', isWithin(0.25));

  it.each([1, 2, 3])(
    'has the emulator do all of an image’s work, whether %d groups divide their part of it',
    (groups) => {
      const work = {
        ...{ sender: 0, dispatcher: 0, metadata: 0, services: 1 },
        resize: Array.from({ length: groups }, () => 0),
      };
      const nothing = { spread: 0, waitSeconds: 0, endWaitSeconds: 0, lookSeconds: 0, servicesStartSeconds: 0 };
      const warm = { most: 10, burst: 10, perSecond: 0, startSeconds: 0 };
      const setup = { ...emulatorSetup(ramp), ...nothing, upkeep: { sender: 0, services: 0 } };
      const { arrival, begin, workers, end } = setup.servicesShares;
      const alone = { ...setup, dispatcher: warm, metadata: warm, resize: warm, arrivals: [{ at: 0, work }] };
      expect(arrival + begin + workers + end).toBeCloseTo(1, 9);
      expect(simulate(alone, throttleRetry).images[0]?.decidedAt).toBeCloseTo(1 - end, 9);
    },
  );

  it('is compared with a ramp that saturates: half of its images waited in the queue, of two phases at least', () => {
    expect(Math.max(...ramp.queue)).toBeGreaterThan(ramp.waits.length / 2);
    const saturated = curveOf(ramp.phases, curves.measured).filter(({ queueAtEnd }) => leavesQueue(queueAtEnd));
    expect(saturated.length).toBeGreaterThanOrEqual(2);
  });

  it.each([0.6, 1.6])('is found wrong where renditions take it %d times as long', (factor) => {
    const { functions } = ramp.costs;
    const image = { ...functions.resize.image };
    for (const size of sizeClasses) image[size] *= factor;
    const costs = { ...ramp.costs, functions: { ...functions, resize: { ...functions.resize, image } } };
    const compared = compare(ramp.phases, reproduce({ ...ramp, costs }));
    const wrong = compared.filter(({ measured: one, simulated: other }) => Math.abs(other / one - 1) > 0.2);
    expect(wrong.length).toBeGreaterThan(0);
  });

  it('learns nothing from the saturated phases: whatever happened there, it says the same of them', () => {
    const calm = calmImages(ramp.phases);
    const other: Ramp = {
      ...ramp,
      waits: ramp.waits.map((wait, index) => (index < calm.to ? wait : 2 * wait)),
      queue: ramp.queue.map((waiting) => 2 * waiting),
    };
    expect(reproduce(other).simulated).toEqual(curves.simulated);
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
    const scarce = prod({ resize: { most: 30, burst: 30, perSecond: 0, startSeconds: 0 } });
    expect(scarce.throttles).toBeGreaterThan(0);
    expect(scarce).toMatchObject({ decided: scarce.images, receives: scarce.images });
    expect(scarce.p95Seconds).toBeGreaterThan(prod().p95Seconds);
  });

  it('brings up pollers by and by: a cold start leaves a queue where a warm one has none', () => {
    const arrivals = photographsAt(measured, 20, 20);
    const run = (warm: boolean) =>
      outcomeOf(simulate(accountSetup({ stage: 'prod', arrivals, dispatchers: 40, warm }), throttleRetry));
    expect(run(true).longestQueue).toBe(0);
    expect(run(false).longestQueue).toBeGreaterThan(0);
  });

  it('keeps up with 10,000 images a second once there are dispatchers enough', () => {
    const [step] = extrapolate(measured, [10_000]);
    expect(step?.changed.p95Seconds).toBeLessThan(4);
    expect(step?.shipped.throughput).toBeLessThan(1000);
  });
});

describe('a run held out', () => {
  const phases = [
    { name: 'quiet', duration: 20, arrivalCount: 10 },
    { name: 'spike', duration: 10, arrivalCount: 100 },
    { name: 'quiet again', duration: 60, arrivalCount: 12 },
  ];
  const sizes = ramp.sizes.slice(0, 122);
  const unplayed: PlayedRun = {
    ...ramp,
    id: 'another',
    scenario: 'spike',
    phases,
    sizes,
    waits: [...sizes].map(() => 0),
  };
  /** As the simulation says that it goes. */
  const { simulated } = reproduce(ramp, unplayed);
  const played: PlayedRun = {
    ...unplayed,
    waits: simulated.images.map(({ at, decidedAt }) => decidedAt - at),
    queue: Array.from(
      { length: 120 },
      (_, index) => simulated.queue.findLast(({ at }) => at <= index + 1)?.waiting ?? 0,
    ),
  };

  it('is kept: npm run simulate -- --against RUN.json --write', () => {
    expect(heldOut).not.toEqual([]);
  });
  it.each(
    heldOut.flatMap((run) => compare(run.phases, reproduce(ramp, run)).map((figures) => ({ id: run.id, ...figures }))),
  )('is reproduced within 20 % by what the ramp’s calm phases cost: $id, $figure', within);
  it.each(heldOut)(
    'is none that the costs are read from, of the same machine, and has figures to compare: $id',
    (run) => {
      expect(() => checkComparable(ramp, run)).not.toThrow();
      expect(compare(run.phases, reproduce(ramp, run)).length).toBeGreaterThanOrEqual(4);
    },
  );

  it('is left out where a ramp of another machine is reproduced', () => {
    const directory = mkdtempSync(join(tmpdir(), 'ramp-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'run.json');
    writeFileSync(file, JSON.stringify({ ...ramp, machine: 'another' }));
    const script = fileURLToPath(new URL('../simulate/simulate.ts', import.meta.url));
    expect(execFileSync(process.execPath, [script, '--from', file], { encoding: 'utf8' })).toContain('(another; ');
  });

  it('is played with its own arrivals and the ramp’s costs', () => {
    expect(simulated.images.map(({ at }) => at)).toEqual(imagesOf(unplayed).map(({ at }) => at));
    for (const { measured: one, simulated: other } of compare(phases, reproduce(ramp, played))) {
      expect(other / one).toBeCloseTo(1, 1);
    }
    const { costs } = ramp;
    const dearer: Ramp = {
      ...ramp,
      costs: { ...costs, emulator: { ...costs.emulator, image: 3 * costs.emulator.image } },
    };
    expect(reproduce(dearer, played).simulated).not.toEqual(simulated);
  });

  it('is found out where its images waited longer than the costs explain', () => {
    const slower = { ...played, waits: played.waits.map((wait) => 1.5 * wait) };
    const figures = compare(phases, reproduce(ramp, slower));
    expect(figures.map(({ figure }) => figure)).toContain('p50 at spike, s');
    expect(figures.some(({ measured: one, simulated: other }) => other / one < 0.8)).toBe(true);
  });

  it('cannot be the ramp itself, nor one of another machine', () => {
    expect(() => checkComparable(ramp, { ...played, id: ramp.id })).toThrow(/another run/);
    expect(() => checkComparable(ramp, { ...played, machine: 'another' })).toThrow(/one machine/);
    expect(() => checkComparable(ramp, played)).not.toThrow();
  });

  it('has to be there', async () => {
    await expect(readHeldOut('nowhere.json')).rejects.toThrow(/nowhere.json cannot be read/);
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
  it('come up no faster than Lambda starts them, and are cold once', () => {
    const clock = new Clock();
    const pool = new Concurrency(clock, { most: 1000, burst: 2, perSecond: 1, startSeconds: 0.4 }, new Account(1000));
    expect([pool.take(), pool.take(), pool.take()]).toEqual([0.4, 0.4, undefined]);
    clock.after(1, () => expect([pool.take(), pool.take()]).toEqual([0.4, undefined]));
    clock.run();
    pool.release();
    expect(pool.take()).toBe(0);
    expect(pool.throttles).toBe(2);
  });
});

describe('an account’s executions', () => {
  it('are all that its functions have together; what was not started, or is done, leaves room', () => {
    const account = new Account(3);
    const pool = (burst: number) =>
      new Concurrency(new Clock(), { most: 1000, burst, perSecond: 0, startSeconds: 0 }, account);
    const [one, other, slow] = [pool(10), pool(10), pool(0)];
    expect([one.take(), other.take(), slow.take(), slow.take(), other.take(), one.take()]).toEqual([
      ...[0, 0, undefined, undefined, 0, undefined],
    ]);
    other.release();
    expect([one.take(), other.take()]).toEqual([0, undefined]);
  });

  it('bind at 1,500 images a second unless raised: workers are throttled and tried again, and nothing is lost', () => {
    const [step] = extrapolate(measured, [1500]);
    const [strained] = strain(measured, [1500]);
    expect(step?.changed.throughput).toBeGreaterThan(1300);
    expect(strained?.unraised.throttles).toBeGreaterThan(0);
    expect(strained?.unraised.outcome.throughput).toBeLessThan(0.9 * (step?.changed.throughput ?? 0));
    expect(strained?.unraised.outcome.dead).toBe(0);
  });

  it('of a new account are ten: dispatchers of stage prod take them all, and images become dead letters; not those of dev', () => {
    const arrivals = photographsAt(measured, 20, 60);
    const [dev, prod] = (['dev', 'prod'] as const).map((stage) =>
      outcomeOf(simulate(accountSetup({ stage, arrivals, executions: 10, warm: false }), throttleRetry)),
    );
    expect(dev?.dead).toBe(0);
    expect(prod?.dead).toBeGreaterThan(100);
  });

  it('from cold make the first users wait for pollers and environments', () => {
    const [step] = extrapolate(measured, [100]);
    const [strained] = strain(measured, [100]);
    expect(strained?.cold.p95Seconds).toBeGreaterThan(step?.changed.p95Seconds ?? Number.NaN);
  });
});

describe('what an image costs', () => {
  const price = { thumb: 0.1, small: 0.3, medium: 0.7, large: 1.2 };
  const sizes = ['thumb', 'small', 'small', 'medium', 'large', 'small', 'thumb'] as const;
  const images = Array.from({ length: 80 }, (_, index) => ({
    at: index < 40 ? index : 40 + (index - 40) / 2,
    size: sizes[index % sizes.length] ?? 'small',
    wait: 0.3 + (index % 5) / 10,
  }));
  /** Processors that did what they are said to have done, and two processes that took more when they were new. */
  const looks = Array.from({ length: 60 }, (_, second) => {
    const worked = images.map(({ at, size, wait }) => {
      const share = Math.max(0, Math.min(second + 1, at + wait) - Math.max(second, at)) / wait;
      return { share, cost: share * price[size] };
    });
    const count = worked.reduce((sum, { share }) => sum + share, 0);
    const cost = worked.reduce((sum, one) => sum + one.cost, 0);
    const sent = images.filter(({ at }) => at >= second && at < second + 1).length;
    const started = second === 0 ? 1 : second === 20 ? 1 : 0;
    return {
      from: second,
      to: second + 1,
      millis: {
        ...{ dispatcher: 20 * count, metadata: 0, resize: 1000 * (cost + 0.6 * started), removal: 0 },
        ...{ emulator: 90 * count + 25 + 150 * (second === 0 ? 3 : started), load: 30 * sent + 50, others: 10 },
      },
      processes: { dispatcher: 1, metadata: 1, resize: second < 20 ? 1 : 2 },
    };
  });

  it('is read from the calm: by size and function, with what goes on anyhow and what a new process takes set apart', () => {
    const { functions, emulator, load } = costsOf({ images, looks });
    for (const [size, cost] of Object.entries(price)) {
      expect(functions.resize.image).toHaveProperty(size, expect.closeTo(cost, 6));
    }
    expect(functions.resize.start).toBeCloseTo(0.6, 6);
    expect(functions.dispatcher).toMatchObject({
      start: expect.closeTo(0, 6),
      image: { small: expect.closeTo(0.02, 6) },
    });
    expect(emulator).toMatchObject({ image: expect.closeTo(0.09, 6), upkeep: expect.closeTo(0.025, 6) });
    expect(emulator.start).toBeCloseTo(0.15, 6);
    expect(load).toMatchObject({ image: expect.closeTo(0.03, 6), upkeep: expect.closeTo(0.05, 6) });
  });
});

describe('a load run', () => {
  const start = Date.parse('2026-01-01T12:00:00Z');
  const ours = { DispatchImages: 10, ExtractMetadata: 30, ResizeImage: 300, RemoveRenditions: 0 };
  const spent = { ...ours, emulator: 90, load: 60, others: 20 };
  const process = { alive: 1, busy: 1 };
  const processes = {
    ...{ DispatchImages: process, ExtractMetadata: process },
    ...{ ResizeImage: process, RemoveRenditions: process },
  };
  const second = (at: number, fields: Partial<RunResult['samples'][number]> = {}) => ({
    ...{ at: start + at * 1000, waiting: at > 44 ? at : 0, inWork: 1, deadLetters: 0, undelivered: 0 },
    processor: { millis: spent, processes },
    ...fields,
  });
  const seconds = Array.from({ length: 60 }, (_, index) => index - 5);
  const calmEnd = 44;
  // Artillery's first user comes after a pause, here of four seconds.
  const uploads = [4, 14, 24, 34, 39, 44, 45, 46, 47, 48];
  const run = (fields: Partial<RunResult> = {}): RunResult => ({
    ...{ schemaVersion: 2, id: 'a-ramp', scenario: 'ramp', title: 'Ramp', seed: 1, scale: 1 },
    ...{ machine: 'a laptop', processors: 2, target: { kind: 'emulator', endpoint: 'https://127.0.0.1:4566' } },
    ...{ startedAt: new Date(start).toISOString(), endedAt: new Date(start + 55_000).toISOString() },
    phases: [
      { name: 'start', duration: 4, arrivalCount: 1 },
      { name: '1/s', duration: 30, arrivalCount: 3 },
      { name: '2/s', duration: 10, arrivalCount: 2 },
      { name: '8/s', duration: 4, arrivalCount: 4 },
    ],
    ...{ passed: true, problems: [], checks: [], lambda: [] },
    reconciliation: { sent: 10, decided: 10, deadLetters: 0, lost: [], notInTime: [] },
    changes: uploads.map((at, number) => ({
      ...{ number, user: number, key: `${number}.jpg`, kind: 'upload', class: 'small', bytes: 1, requestMillis: 1 },
      ...{ names: [], startedAt: start + at * 1000, decidedAt: start + at * 1000 + 500, outcome: 'processed' },
    })),
    samples: seconds.map((at) => second(at)),
    ...fields,
  });

  const distilled = (fields: Partial<RunResult> = {}): Ramp => {
    const result = distil(run(fields));
    if (!result.fit) throw new Error(result.problem);
    return result.run;
  };

  it('is distilled to what the simulation needs, in seconds from the beginning of its first phase', () => {
    const { others, ...ramp } = distilled();
    expect(imagesOf(ramp)).toEqual(uploads.map((at) => ({ at, size: 'small', wait: 0.5 })));
    expect(ramp.queue.slice(calmEnd - 2, calmEnd + 2)).toEqual([0, 0, 45, 46]);
    expect(others).toBe(0.02);
  });

  it('tells what an image costs by its calm phases alone', () => {
    const dearer = { processor: { processes, millis: { ...spent, ResizeImage: 3 * spent.ResizeImage } } };
    const changed = (from: number) => ({ samples: seconds.map((at) => second(at, at > from ? dearer : {})) });
    const { costs } = distilled();
    expect(costs.functions.resize.image.small).toBeGreaterThan(0);
    expect(distilled(changed(calmEnd)).costs).toEqual(costs);
    expect(distilled(changed(calmEnd - 10)).costs).not.toEqual(costs);
  });

  it.each([keptRampFile, ...heldOutFiles()])('is small when it is kept: %s', (file) => {
    expect(readFileSync(file, 'utf8').length).toBeLessThan(10_000);
  });

  it('of any scenario can be held out, once it left a queue; it needs no calm', () => {
    const saturated = run({ scenario: 'spike', samples: seconds.map((at) => second(at, { waiting: 30 })) });
    expect(distilHeldOut(saturated)).toMatchObject({ fit: true, run: { scenario: 'spike', sizes: 'ssssssssss' } });
    const calm = { ...saturated, samples: seconds.map((at) => second(at, { waiting: 0 })) };
    expect(distilHeldOut(calm)).toMatchObject({ fit: false, problem: expect.stringMatching(/nothing to compare/) });
    expect(distilHeldOut({ ...saturated, changes: [] })).toMatchObject({ fit: false });
  });

  it.each<[string, RegExp, Partial<RunResult>]>([
    ['elsewhere', /who worked/, { samples: seconds.map((at) => second(at, { processor: undefined })) }],
    ['in which an image failed', /not all/, { changes: run().changes.slice(1) }],
    [
      'beside other programs',
      /quiet machine/,
      { samples: seconds.map((at) => second(at, { processor: { processes, millis: { ...spent, others: 500 } } })) },
    ],
    ['that is no ramp', /is no ramp/, { scenario: 'spike' }],
    ['without calm', /smaller --scale/, { samples: seconds.map((at) => second(at, { waiting: 9 })) }],
  ])('%s teaches nothing, and says why', (_, reason, fields) => {
    expect(distil(run(fields))).toMatchObject({ fit: false, problem: expect.stringMatching(reason) });
  });
});

describe('an account under a load scenario', () => {
  const { costs } = ramp;
  const outcome = async (scenario: string, stage: 'dev' | 'prod') => {
    const arrivals = scenarioArrivals(await readScenario(scenario, 'account', 1), costs);
    return outcomeOf(simulate(accountSetup({ stage, arrivals, warm: false }), throttleRetry));
  };

  it('gets the scenario’s own users, each when it comes', async () => {
    const scenario = await readScenario('spike', 'account', 1);
    const { phases, users } = scenario;
    const arrivals = scenarioArrivals(scenario, costs);
    expect(arrivals).toHaveLength(users);
    const [quiet, spike] = phases;
    const first = (quiet?.duration ?? 0) + (spike?.duration ?? 0);
    expect(arrivals.filter(({ at }) => at <= first)).toHaveLength(
      (quiet?.arrivalCount ?? 0) + (spike?.arrivalCount ?? 0),
    );
  });

  it.each(scenarios)(
    'has the thresholds of %s at twice what the simulation says, rounded up to two digits',
    async (name) => {
      const { p50Seconds, p95Seconds, p99Seconds } = await outcome(name, 'dev');
      const simulated = new Map(Object.entries({ p50: p50Seconds, p95: p95Seconds, p99: p99Seconds }));
      const limits = (await thresholdsOf(name, 'account')).filter(([metric]) => !metric.startsWith('upload.'));
      expect(limits).not.toEqual([]);
      for (const [metric, millis] of limits) {
        const seconds = simulated.get(metric.slice(metric.lastIndexOf('.') + 1)) ?? Number.NaN;
        // As it is printed.
        expect(millis, metric).toBe(twoDigitsUp(2000 * Number(seconds.toFixed(2))));
      }
    },
  );

  it('waits in the queue where the stage is small, and less where it is large; nothing is lost', async () => {
    const [dev, prod] = await Promise.all([outcome('spike', 'dev'), outcome('spike', 'prod')]);
    expect(dev).toMatchObject({ decided: dev.images, dead: 0 });
    expect(dev.longestQueue).toBeGreaterThan(prod.longestQueue);
    expect(dev.p99Seconds).toBeGreaterThan(prod.p99Seconds);
  });
});

describe('a ramp', () => {
  it('is told phase by phase, and from the end of each until nothing waits', () => {
    const images = Array.from({ length: 30 }, (_, index) => ({ at: index, decidedAt: 2 * index + 1 }));
    const queue = [
      { at: 9, waiting: 4 },
      { at: 19, waiting: 9 },
      { at: 29, waiting: 14 },
      { at: 40, waiting: 8 },
      { at: 45, waiting: 0 },
    ];
    const phases = [
      { name: 'first', duration: 10, arrivalCount: 10 },
      { name: 'second', duration: 20, arrivalCount: 20 },
    ];
    expect(curveOf(phases, { images, queue })).toEqual([
      {
        name: 'first',
        decidedASecond: 0.5,
        queueAtEnd: 4,
        p50Seconds: 5,
        drain: { seconds: 35, decidedASecond: 18 / 35 },
      },
      {
        name: 'second',
        decidedASecond: 0.5,
        queueAtEnd: 14,
        p50Seconds: 20,
        drain: { seconds: 15, decidedASecond: 8 / 15 },
      },
    ]);
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
  it('wrote lab/docs/scale.md as template, presets and measurements are today (npm run simulate -- --write)', () => {
    const text = readFileSync(scaleDocuments.text, 'utf8');
    expect(text).toBe(withBlocks(text, 'simulate', scaleBlocks(ramp, heldOut, measured)));
  });

  it('drew lab/docs/scale.svg as they are today (npm run simulate -- --write)', async () => {
    expect(readFileSync(scaleDocuments.chart, 'utf8')).toBe(await scaleChart(ramp, measured));
  });
});
