/** lab/docs/scale.md's tables and chart: what the simulation says of the measured ramp, and of more than was measured. */
import type { TopLevelSpec } from 'vega-lite';
import type { Phase } from '../../load-tests/runner/scenario.ts';
import { sum, table } from '../bench/measure.ts';
import { chartSvg } from '../chart.ts';
import { deploymentOf } from '../cost/deployment.ts';
import type { Measured } from '../cost/measured.ts';
import { type AccountLoad, accountSetup, EXECUTIONS, photographsAt } from './account-setup.ts';
import type { Costs } from './calibrate.ts';
import { curveOf, type History, leavesQueue } from './curve.ts';
import { type Estimates, emulatorSetup, estimateNames, estimates } from './emulator-setup.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { simulate } from './pipeline.ts';
import { averages, bindsAt, concurrencyPerImage, quotas, reservableDispatchers } from './quotas.ts';
import { historyOf, imagesOf, type PlayedRun, type Ramp } from './ramp.ts';
import { stageSettings, throttleRetry } from './stage.ts';

const rates = [1, 10, 100, 1000, 10_000] as const;

/** Room for bursts and slow images above the average. */
const HEADROOM = 1.5;
/** Of a cold start, that its users wait longest in. */
const COLD_SECONDS = 10;
/** Simulated at the most: a queue that grows has to drain. */
const MOST_IMAGES = { shipped: 20_000, changed: 100_000 };

export interface Reproduced {
  readonly measured: History;
  readonly simulated: History;
}

/** The same arrivals, measured and simulated, with the costs that a ramp's calm phases tell. */
export function reproduce(ramp: Ramp, played: PlayedRun = ramp, estimated: Estimates = estimates): Reproduced {
  const { images, queue } = simulate(emulatorSetup(ramp, played, estimated), throttleRetry);
  return {
    measured: historyOf(played),
    simulated: { images: images.map(({ at, decidedAt = Number.NaN }) => ({ at, decidedAt })), queue },
  };
}

export interface Compared {
  readonly figure: string;
  readonly measured: number;
  readonly simulated: number;
}

/**
 * The saturation curve in figures that can be wrong. Where no queue is left, what is decided is what came; how many wait
 * is what came without what is decided; whoever comes while a queue runs empty waits for its rest or for nothing, so their
 * median hangs on a second or two; and the first phase only starts the processes. All that is not compared.
 */
export function compare(phases: readonly Phase[], { measured, simulated }: Reproduced): Compared[] {
  const other = curveOf(phases, simulated);
  const pairs = curveOf(phases, measured).flatMap((one, index) => {
    const same = other[index];
    return index === 0 || same === undefined ? [] : [{ one, same }];
  });
  const row = (figure: string, measuredValue: number, simulatedValue: number) => ({
    figure,
    measured: measuredValue,
    simulated: simulatedValue,
  });
  const saturated = pairs.filter(({ one }) => leavesQueue(one.queueAtEnd));
  const last = saturated.at(-1);
  return [
    ...saturated.flatMap(({ one, same }) => [
      row(`decided a second, ${one.name}`, one.decidedASecond, same.decidedASecond),
      row(`p50 at ${one.name}, s`, one.p50Seconds ?? Number.NaN, same.p50Seconds ?? Number.NaN),
    ]),
    ...(last === undefined
      ? []
      : [
          row('decided a second, drain', last.one.drain.decidedASecond, last.same.drain.decidedASecond),
          row('until the queue is empty, s', last.one.drain.seconds, last.same.drain.seconds),
        ]),
  ];
}

export interface Estimated {
  readonly estimate: keyof Estimates;
  readonly factor: number;
  readonly compared: readonly Compared[];
}

/** What the ramp looks like with each estimate halved and doubled; the shares of the emulator's work stay one in all. */
export function sensitivity(ramp: Ramp): Estimated[] {
  return estimateNames.flatMap((estimate) =>
    [0.5, 2].map((factor) => {
      const changed = { ...estimates, [estimate]: factor * estimates[estimate] };
      return { estimate, factor, compared: compare(ramp.phases, reproduce(ramp, ramp, changed)) };
    }),
  );
}

export interface Extrapolated {
  readonly rate: number;
  readonly shipped: Outcome;
  readonly dispatchers: number;
  readonly changed: Outcome;
  readonly concurrency: number;
}

/** With pollers and environments that are up, in an account with executions enough. */
export function extrapolate(measured: Measured, at: readonly number[] = rates): Extrapolated[] {
  return at.map((rate) => {
    const dispatchers = dispatchersFor(measured, rate);
    return {
      rate,
      shipped: shippedAt(measured, rate),
      dispatchers,
      changed: play(measured, rate, MOST_IMAGES.changed, { ...raised, dispatchers }).outcome,
      concurrency: Math.ceil(rate * concurrencyPerImage(deploymentOf('prod'), measured)),
    };
  });
}

const raised = { executions: Number.POSITIVE_INFINITY, warm: true };

function shippedAt(measured: Measured, rate: number): Outcome {
  return play(measured, rate, MOST_IMAGES.shipped, raised).outcome;
}

function dispatchersFor(measured: Measured, rate: number): number {
  const { batchSize } = stageSettings('prod');
  return Math.max(2, Math.ceil((HEADROOM * rate * averages(deploymentOf('prod'), measured).dispatcher) / batchSize));
}

/** A minute of photographs on stage prod, or as many as may come. */
function play(measured: Measured, rate: number, most: number, load: Omit<AccountLoad, 'stage' | 'arrivals'>) {
  const arrivals = photographsAt(measured, rate, Math.min(60, most / rate));
  const simulated = simulate(accountSetup({ stage: 'prod', arrivals, ...load }), throttleRetry);
  return { outcome: outcomeOf(simulated), throttles: simulated.throttles };
}

export interface Strained {
  readonly rate: number;
  /** The dispatchers needed, from cold: what came in the first seconds. */
  readonly cold: Outcome;
  /** The same dispatchers, warm, in an account whose quota nobody has raised, with nothing reserved. */
  readonly unraised: { readonly outcome: Outcome; readonly throttles: number };
}

export function strain(measured: Measured, at: readonly number[] = rates): Strained[] {
  return at.map((rate) => {
    const dispatchers = dispatchersFor(measured, rate);
    return {
      rate,
      cold: play(measured, rate, COLD_SECONDS * rate, { ...raised, dispatchers, warm: false }).outcome,
      unraised: play(measured, rate, MOST_IMAGES.shipped, { dispatchers, warm: true }),
    };
  });
}

export function scaleBlocks(
  ramp: Ramp,
  heldOut: readonly PlayedRun[],
  measured: Measured,
): Readonly<Record<string, string>> {
  const capacity = shippedAt(measured, 1000).throughput;
  return {
    reproduced: reproducedTable(ramp),
    'held-out':
      heldOut.length === 0
        ? 'No such run of this machine is kept as yet.'
        : heldOut.map((played) => heldOutTable(ramp, played)).join('\n\n'),
    estimates: estimateTable(ramp),
    steps: stepTable(measured, capacity),
    shares: shareTable(measured, capacity),
    quotas: quotaTable(measured),
  };
}

export function reproducedTable(ramp: Ramp): string {
  return [origin(ramp), costSentence(ramp), '', comparedTable(compare(ramp.phases, reproduce(ramp)))].join('\n');
}

export function heldOutTable(ramp: Ramp, played: PlayedRun): string {
  return [origin(played), '', comparedTable(compare(played.phases, reproduce(ramp, played)))].join('\n');
}

function origin({ date, machine, scenario, seed, others }: PlayedRun): string {
  return `Measured on ${date} (${machine}; \`npm run load -- ${scenario} --seed ${seed}\`; other programs had at most ${others.toFixed(2)} of the processors).`;
}

function comparedTable(figures: readonly Compared[]): string {
  return table(
    ['', 'measured', 'simulated', 'off by'],
    figures.map(({ figure, measured: one, simulated: other }) => [
      figure,
      shown(one),
      shown(other),
      showPercent(other / one - 1),
    ]),
  );
}

/** Of the run's own mix. */
function costSentence(ramp: Ramp): string {
  const { functions, emulator, load } = ramp.costs;
  const images = imagesOf(ramp);
  const millis = (cost: number) => (1000 * cost).toFixed(0);
  const average = (name: keyof Costs['functions']) =>
    sum(images.map(({ size }) => functions[name].image[size])) / images.length;
  const [dispatcher, metadata, resize] = [average('dispatcher'), average('metadata'), average('resize')];
  return (
    `Read from the calm: an image costs ${millis(dispatcher + metadata + resize + emulator.image + load.image)} ms of processor time ` +
    `(dispatcher ${millis(dispatcher)}, metadata ${millis(metadata)}, renditions ${millis(resize)}, the emulator ${millis(emulator.image)}, ` +
    `the load test ${millis(load.image)}), a new process ${millis(functions.dispatcher.start)} to ${millis(Math.max(functions.metadata.start, functions.resize.start))} ms, ` +
    `and each second ${millis(emulator.upkeep + load.upkeep)} ms whatever comes.`
  );
}

function estimateTable(ramp: Ramp): string {
  const described: Readonly<Record<keyof Estimates, string>> = {
    arrival: 'of the emulator’s work for an image: S3 and the queue',
    begin: 'the dispatcher’s calls, until the workers are called',
    workers: 'the workers’ calls',
    end: 'from the record to the deleted message',
    spread: 'how much times of one kind differ, σ of a log-normal distribution',
  };
  const furthest = (compared: readonly Compared[]) =>
    showPercent(Math.max(...compared.map(({ measured, simulated }) => Math.abs(simulated / measured - 1))));
  const changes = sensitivity(ramp);
  return table(
    ['estimate', 'is', 'halved: furthest off', 'doubled: furthest off'],
    estimateNames.map((name) => [
      described[name],
      String(estimates[name]),
      ...changes.filter(({ estimate }) => estimate === name).map(({ compared }) => furthest(compared)),
    ]),
  );
}

/** @param capacity of prod as shipped, images a second */
function stepTable(measured: Measured, capacity: number): string {
  const { batchSize, dispatchers: shipped } = stageSettings('prod');
  const strained = new Map(strain(measured).map((one) => [one.rate, one]));
  return [
    `Prod as shipped (${shipped} dispatchers × ${batchSize} images) decides ${capacity.toFixed(0)} images a second at the most. ` +
      `An account’s default of ${EXECUTIONS.toLocaleString('en-US')} executions can reserve what ${reservableDispatchers(deploymentOf('prod'))} dispatchers need.`,
    '',
    table(
      [
        'images a second',
        'as shipped: p95',
        'its queue grows by',
        'dispatchers needed',
        'Lambda executions at once',
        'then p95',
        `p95 of the first ${COLD_SECONDS} s, from cold`,
        `with ${EXECUTIONS.toLocaleString('en-US')} executions, none reserved`,
      ],
      extrapolate(measured).map(({ rate, shipped: asShipped, dispatchers, changed, concurrency }) => [
        rate.toLocaleString('en-US'),
        rate > capacity ? '–' : `${asShipped.p95Seconds.toFixed(2)} s`,
        rate > capacity ? `${Math.round(rate - capacity).toLocaleString('en-US')} a second` : '–',
        dispatchers.toLocaleString('en-US'),
        concurrency.toLocaleString('en-US'),
        `${changed.p95Seconds.toFixed(2)} s`,
        ...shownStrained(strained.get(rate)),
      ]),
    ),
  ].join('\n');
}

function shownStrained(strained: Strained | undefined): string[] {
  if (strained === undefined) return [];
  const { cold, unraised } = strained;
  const { images, dead, throughput } = unraised.outcome;
  const lost = dead === 0 ? '' : `, ${showPercent(dead / images)} dead letters`;
  return [
    `${cold.p95Seconds.toFixed(1)} s`,
    unraised.throttles === 0
      ? 'the same'
      : `${throughput.toFixed(0)} decided a second, ${(unraised.throttles / images).toFixed(1)} throttles an image${lost}`,
  ];
}

/** What of each default a rate uses, in percent. */
function shareTable(measured: Measured, capacity: number): string {
  const own = { name: 'the stage’s own row of `Mappings`', binds: capacity };
  const rows = quotas(deploymentOf('prod'), measured)
    .filter(({ name }) => !name.includes(', were '))
    .map((quota) => ({ name: quota.name, binds: bindsAt(quota) }));
  const share = (rate: number, binds: number) => {
    const text = `${Number(((100 * rate) / binds).toPrecision(2)).toLocaleString('en-US')} %`;
    return rate >= binds ? `**${text}**` : text;
  };
  return table(
    ['of its default, at', ...rates.map((rate) => `${rate.toLocaleString('en-US')}/s`)],
    [own, ...rows]
      .sort((left, right) => left.binds - right.binds)
      .map(({ name, binds }) => [name, ...rates.map((rate) => share(rate, binds))]),
  );
}

function quotaTable(measured: Measured): string {
  return table(
    ['quota', 'default', 'one image a second needs', 'binds at, images a second', 'what to change', 'source'],
    quotas(deploymentOf('prod'), measured)
      .sort((left, right) => bindsAt(left) - bindsAt(right))
      .map((quota) => [
        quota.name,
        `${quota.limit.toLocaleString('en-US')} ${quota.unit}`,
        String(Number(quota.needs.toPrecision(3))),
        showRate(bindsAt(quota)),
        quota.change,
        `[page](${quota.source})`,
      ]),
  );
}

export function scaleChart(ramp: Ramp, measured: Measured): Promise<string> {
  const account = extrapolate(measured, [1, 3, 10, 30, 100, 300, 1000, 3000, 10_000]).flatMap(
    ({ rate, shipped, changed }) => [
      { rate, decided: rounded(shipped.throughput), setting: 'prod as shipped' },
      { rate, decided: rounded(changed.throughput), setting: 'with dispatchers enough' },
    ],
  );
  const reproduced = reproduce(ramp);
  const spec: TopLevelSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    hconcat: [
      {
        vconcat: [overTime(ramp, reproduced, 'decided so far'), overTime(ramp, reproduced, 'waiting')],
        resolve: { scale: { x: 'shared' } },
      },
      {
        title: 'An account, simulated',
        width: 340,
        height: 300,
        data: { values: account },
        mark: { type: 'line', point: true },
        encoding: {
          x: {
            field: 'rate',
            type: 'quantitative',
            scale: { type: 'log' },
            axis: { title: 'images a second, sent', grid: false },
          },
          y: { field: 'decided', type: 'quantitative', scale: { type: 'log' }, axis: { title: 'decided' } },
          color: { field: 'setting', type: 'nominal', legend: { title: null, orient: 'bottom' } },
        },
      },
    ],
    resolve: { scale: { color: 'independent' } },
  };
  return chartSvg(spec);
}

/** The ramp on the emulator, every second. */
function overTime(ramp: Ramp, { measured, simulated }: Reproduced, quantity: 'decided so far' | 'waiting') {
  const last = Math.max(...[...measured.images, ...simulated.images].map(({ decidedAt }) => decidedAt));
  const seconds = Array.from({ length: Math.ceil(last) + 1 }, (_, second) => second);
  const line = (series: string, valueAt: (second: number) => number) =>
    seconds.map((second) => ({ second, value: valueAt(second), series }));
  const valueIn = ({ images, queue }: History) =>
    quantity === 'waiting'
      ? (second: number) => queue.findLast(({ at }) => at <= second)?.waiting ?? 0
      : (second: number) => images.filter(({ decidedAt }) => decidedAt <= second).length;
  const sent = (second: number) => measured.images.filter(({ at }) => at <= second).length;
  return {
    ...(quantity === 'waiting' ? {} : { title: `The ramp on the emulator, ${ramp.cores} cores` }),
    width: 340,
    height: quantity === 'waiting' ? 110 : 150,
    data: {
      values: [
        ...(quantity === 'waiting' ? [] : line('sent', sent)),
        ...line('measured', valueIn(measured)),
        ...line('simulated', valueIn(simulated)),
      ],
    },
    mark: { type: 'line' as const },
    encoding: {
      x: {
        field: 'second',
        type: 'quantitative' as const,
        axis: { title: quantity === 'waiting' ? 'seconds' : null, tickCount: 6 },
      },
      y: { field: 'value', type: 'quantitative' as const, axis: { title: quantity, tickCount: 4 } },
      color: {
        field: 'series',
        type: 'nominal' as const,
        scale: { domain: ['sent', 'measured', 'simulated'], range: ['#7f7f7f', '#0072b2', '#e69f00'] },
        legend: { title: null, orient: 'bottom' as const },
      },
    },
  };
}

/** Without a sign before zero. */
const showPercent = (share: number) => `${Math.round(100 * share) || 0} %`;
const shown = (value: number) => (value < 10 ? value.toFixed(2) : value.toFixed(0));
const showRate = (rate: number) => Number(rate.toPrecision(2)).toLocaleString('en-US');

/** Charts are compared as text: the last digits of a floating-point number may differ between machines. */
const rounded = (value: number) => Number(value.toPrecision(4));
