/** docs/scale.md's tables and chart: what the simulation says of the measured curve, and of more than was measured. */
import type { TopLevelSpec } from 'vega-lite';
import { table } from '../bench/measure.ts';
import { chartSvg } from '../chart.ts';
import { deploymentOf } from '../cost/deployment.ts';
import type { Measured } from '../cost/measured.ts';
import { type Outcome, simulate } from './pipeline.ts';
import { averages, bindsAt, concurrencyPerImage, quotas } from './quotas.ts';
import type { Saturation, SaturationStep } from './saturation.ts';
import { accountSetup, emulatorSetup, stageSettings, throttleRetry } from './setups.ts';

const rates = [1, 10, 100, 1000, 10_000] as const;

/** Room for bursts and slow images above the average. */
const HEADROOM = 1.5;
/** Simulated at the most: a queue that grows has to drain. */
const MOST_IMAGES = { shipped: 20_000, changed: 100_000 };

export interface Reproduced {
  readonly step: SaturationStep;
  readonly simulated: Outcome;
}

export function reproduce(saturation: Saturation): Reproduced[] {
  return saturation.steps.map((step) => ({
    step,
    simulated: simulate(emulatorSetup(saturation, step), throttleRetry),
  }));
}

export interface Extrapolated {
  readonly rate: number;
  readonly shipped: Outcome;
  readonly dispatchers: number;
  readonly changed: Outcome;
  readonly concurrency: number;
}

export function extrapolate(measured: Measured, at: readonly number[] = rates): Extrapolated[] {
  const prod = deploymentOf('prod');
  const { batchSize, dispatchers: shippedDispatchers } = stageSettings('prod');
  return at.map((rate) => {
    const dispatchers = Math.max(2, Math.ceil((HEADROOM * rate * averages(prod, measured).dispatcher) / batchSize));
    const run = (most: number, images: number) => {
      const seconds = Math.min(60, images / rate);
      return simulate(accountSetup(measured, { rate, seconds, dispatchers: most, warm: true }), throttleRetry);
    };
    return {
      rate,
      shipped: run(shippedDispatchers, MOST_IMAGES.shipped),
      dispatchers,
      changed: run(dispatchers, MOST_IMAGES.changed),
      concurrency: Math.ceil(rate * concurrencyPerImage(prod, measured)),
    };
  });
}

export function scaleBlocks(saturation: Saturation, measured: Measured): Readonly<Record<string, string>> {
  return {
    reproduced: reproducedTable(saturation),
    steps: stepTable(measured),
    quotas: quotaTable(measured),
  };
}

function reproducedTable(saturation: Saturation): string {
  const { processorMillis: cost, date, machine } = saturation;
  const all = cost.dispatcher + cost.metadata + cost.resize + cost.emulator + cost.sender;
  return [
    `Measured on ${date} (${machine}; \`npm run bench -- saturation\`). An image costs`,
    `${all.toFixed(0)} ms of processor time: dispatcher ${cost.dispatcher}, metadata ${cost.metadata}, renditions ${cost.resize}, the emulator itself ${cost.emulator}, the sender ${cost.sender}.`,
    '',
    table(
      [
        'images a second',
        'decided a second',
        'simulated',
        'off by',
        'p50, s',
        'simulated',
        'longest queue',
        'simulated',
      ],
      reproduce(saturation).map(({ step, simulated }) => [
        String(step.rate),
        step.throughput.toFixed(2),
        simulated.throughput.toFixed(2),
        showPercent(simulated.throughput / step.throughput - 1),
        step.p50Seconds.toFixed(2),
        simulated.p50Seconds.toFixed(2),
        String(step.longestQueue),
        String(simulated.longestQueue),
      ]),
    ),
  ].join('\n');
}

function stepTable(measured: Measured): string {
  const limits = quotas(deploymentOf('prod'), measured)
    .filter(({ name }) => !name.includes(', were '))
    .sort((left, right) => bindsAt(left) - bindsAt(right));
  const { batchSize, dispatchers: shipped } = stageSettings('prod');
  const capacity = Math.max(...extrapolate(measured, [1000]).map((step) => step.shipped.throughput));
  return [
    `Prod as shipped (${shipped} dispatchers × ${batchSize} images) decides ${capacity.toFixed(0)} images a second at the most.`,
    '',
    table(
      [
        'images a second',
        'as shipped: p95',
        'its queue grows by',
        'dispatchers needed',
        'then p95',
        'Lambda executions at once',
        'what binds, the first at the lowest rate',
      ],
      extrapolate(measured).map(({ rate, shipped: asShipped, dispatchers, changed, concurrency }) => [
        rate.toLocaleString('en-US'),
        rate > capacity ? '–' : `${asShipped.p95Seconds.toFixed(2)} s`,
        rate > capacity ? `${Math.round(rate - capacity).toLocaleString('en-US')} a second` : '–',
        dispatchers.toLocaleString('en-US'),
        `${changed.p95Seconds.toFixed(2)} s`,
        concurrency.toLocaleString('en-US'),
        [
          ...(rate > capacity ? [`the stage’s own row (${capacity.toFixed(0)})`] : []),
          ...limits
            .filter((quota) => bindsAt(quota) <= rate)
            .map((quota) => `${quota.name} (${showRate(bindsAt(quota))})`),
        ].join('; ') || '–',
      ]),
    ),
  ].join('\n');
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

export function scaleChart(saturation: Saturation, measured: Measured): Promise<string> {
  const emulator = reproduce(saturation).flatMap(({ step, simulated }) => [
    { rate: step.rate, decided: step.throughput, source: 'measured' },
    { rate: step.rate, decided: rounded(simulated.throughput), source: 'simulated' },
  ]);
  const account = extrapolate(measured, [1, 3, 10, 30, 100, 300, 1000, 3000, 10_000]).flatMap(
    ({ rate, shipped, changed }) => [
      { rate, decided: rounded(shipped.throughput), setting: 'prod as shipped' },
      { rate, decided: rounded(changed.throughput), setting: 'with dispatchers enough' },
    ],
  );
  const spec: TopLevelSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    hconcat: [
      {
        title: 'The emulator on two cores',
        width: 340,
        height: 260,
        data: { values: emulator },
        mark: { type: 'line', point: true },
        encoding: {
          x: { field: 'rate', type: 'quantitative', axis: { title: 'images a second, sent' } },
          y: { field: 'decided', type: 'quantitative', axis: { title: 'decided' } },
          color: { field: 'source', type: 'nominal', legend: { title: null, orient: 'bottom' } },
        },
      },
      {
        title: 'An account, simulated',
        width: 340,
        height: 260,
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

/** Without a sign before zero. */
const showPercent = (share: number) => `${Math.round(100 * share) || 0} %`;
const showRate = (rate: number) => Number(rate.toPrecision(2)).toLocaleString('en-US');

/** Charts are compared as text: the last digits of a floating-point number may differ between machines. */
const rounded = (value: number) => Number(value.toPrecision(4));
