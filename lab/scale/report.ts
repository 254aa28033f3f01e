/** The tables of lab/docs/scale.md. */
import { deploymentOf } from '../cost/deployment.ts';
import type { Measured } from '../cost/measured.ts';
import { table } from '../table.ts';
import { backlogOf, capacityOf, dispatchersOf } from './queue.ts';
import { averages, concurrencyPerImage, EXECUTIONS, quotas, reachedAt, reservableDispatchers } from './quotas.ts';

const rates = [1, 10, 100, 1000, 10_000] as const;
const bursts = [1000, 10_000, 100_000, 1_000_000] as const;

/** For bursts, and for images slower than the average. */
const HEADROOM = 1.5;

export function scaleBlocks(measured: Measured): Readonly<Record<string, string>> {
  return {
    shares: shareTable(measured),
    steps: stepTable(measured),
    bursts: burstTable(measured),
    quotas: quotaTable(measured),
  };
}

/** The share of each limit that a rate uses. */
function shareTable(measured: Measured): string {
  const own = {
    name: 'this stack: `Dispatchers` × `BatchSize` of stage prod',
    reached: capacityOf(dispatchersOf('prod', measured)),
  };
  const others = quotas(deploymentOf('prod'), measured)
    .filter(({ name }) => !name.includes(', if '))
    .map((quota) => ({ name: quota.name, reached: reachedAt(quota) }));
  const share = (rate: number, reached: number) => {
    const text = `${count(Number(((100 * rate) / reached).toPrecision(2)))} %`;
    return rate >= reached ? `**${text}**` : text;
  };
  return table(
    ['limit', ...rates.map((rate) => `${count(rate)}/s`)],
    [own, ...others]
      .toSorted((one, other) => one.reached - other.reached)
      .map(({ name, reached }) => [name, ...rates.map((rate) => share(rate, reached))]),
  );
}

export function dispatchersFor(rate: number, measured: Measured): number {
  return Math.max(2, Math.ceil((HEADROOM * rate) / dispatchersOf('prod', measured).imagesPerSecond));
}

function stepTable(measured: Measured): string {
  const prod = deploymentOf('prod');
  const shipped = dispatchersOf('prod', measured);
  const capacity = capacityOf(shipped);
  const sentences =
    `Processing an average photograph takes ${averages(prod, measured).dispatcher.toFixed(2)} s, so stage prod as shipped ` +
    `(${shipped.most} dispatchers × ${prod.batchSize} images) processes ${capacity.toFixed(0)} images per second. The default ` +
    `quota of ${count(EXECUTIONS)} executions can reserve the workers of ${reservableDispatchers(prod)} dispatchers.`;
  const rows = rates.map((rate) => {
    const most = dispatchersFor(rate, measured);
    const cold = backlogOf([{ seconds: 60, images: 60 * rate }], { ...shipped, most, warm: false });
    return [
      count(rate),
      rate > capacity ? `grows by ${count(Math.round(rate - capacity))} per second` : 'stays empty',
      count(most),
      count(Math.ceil(rate * concurrencyPerImage(prod, measured))),
      `${cold.waitOf(1).toFixed(1)} s`,
    ];
  });
  return [
    sentences,
    '',
    table(
      [
        'images per second',
        'queue of prod as shipped',
        'dispatchers needed',
        'concurrent Lambda executions',
        'longest wait in the queue, from cold',
      ],
      rows,
    ),
  ].join('\n');
}

function burstTable(measured: Measured): string {
  const settings = [
    dispatchersOf('dev', measured),
    dispatchersOf('prod', measured),
    dispatchersOf('prod', measured, reservableDispatchers(deploymentOf('prod'))),
    dispatchersOf('prod', measured, 150),
  ];
  const [dev, prod, ...more] = settings.map(({ most }) => `${most} dispatchers`);
  return table(
    ['uploads within a minute', `stage dev (${dev})`, `stage prod (${prod})`, ...more],
    bursts.map((images) => [
      count(images),
      ...settings.map((dispatchers) => duration(backlogOf([{ seconds: 60, images }], dispatchers).drainSeconds)),
    ]),
  );
}

function quotaTable(measured: Measured): string {
  return table(
    ['quota', 'default', 'used at one image per second', 'reached at, images per second', 'what to do'],
    quotas(deploymentOf('prod'), measured)
      .toSorted((one, other) => reachedAt(one) - reachedAt(other))
      .map((quota) => [
        `[${quota.name}](${quota.source})`,
        `${count(quota.limit)} ${quota.unit}`,
        String(Number(quota.needs.toPrecision(3))),
        count(Number(reachedAt(quota).toPrecision(2))),
        quota.change,
      ]),
  );
}

const count = (value: number) => value.toLocaleString('en-US');

export function duration(seconds: number): string {
  if (seconds < 1) return 'none left';
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(0)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
