/** The bill as Markdown and as a chart. */

import { mean } from 'simple-statistics';
import { type ChartSpec, render } from '../../load-tests/render-chart.ts';
import { showSummary } from '../summary.ts';
import { table } from '../table.ts';
import { assumptions } from './assumptions.ts';
import { type Deployment, deploymentOf } from './deployment.ts';
import { estimateNotice } from './estimate.ts';
import type { Measured } from './measured.ts';
import {
  type Bill,
  billOf,
  costPerImage,
  cpuFactor,
  keptLines,
  mixes,
  oneByOne,
  photographs,
  probesCost,
  type Service,
  services,
  standingLines,
  total,
  type Usage,
  usageOf,
} from './model.ts';
import { settings } from './power-tuning.ts';
import { avifApart, naive, practices, sharesAvif } from './practices.ts';
import { freeTier, PRICES_OF, prices } from './prices.ts';

const MILLION = 1_000_000;

/** By the name of their places in lab/docs/cost.md. */
export function costBlocks(measured: Measured, images = MILLION): Readonly<Record<string, string>> {
  const prod = deploymentOf('prod');
  return {
    terms: terms(prod, measured, images),
    bill: billTable(measured, images),
    usage: usageTable(usageOf(mixes.photographs, prod, measured), images),
    processors: processorTable(prod, measured, images),
    practices: practiceTable(prod, measured, images),
    monthly: monthlyTable(measured),
    free: freeTierTable(prod, measured),
    prices: priceTable(),
  };
}

/** By the name of their places in lab/docs/power-tuning.md. */
export function powerTuningBlocks(measured: Measured, images = MILLION): Readonly<Record<string, string>> {
  const prod = deploymentOf('prod');
  return {
    'resize-image': powerTable('resize', prod, measured, images),
    'extract-metadata': powerTable('metadata', prod, measured, images),
  };
}

function terms(prod: Deployment, measured: Measured, images: number): string {
  const bill = billOf(usageOf(mixes.photographs, prod, measured));
  const all = total(bill);
  const share = (part: number) => `${((100 * part) / all).toFixed(0)} %`;
  const usage = usageOf(mixes.photographs, prod, measured);
  const renditions = quantityOf(usage, 'renditions, PUT');
  const making = costOf(usage, 'resize-image') / renditions;
  const [first, second, third] = [...services].sort((left, right) => bill[right] - bill[left]);
  const costs = (deployment: Deployment) => showUsd(costPerImage(mixes.photographs, deployment, measured) * images);
  const term = (service: Service | undefined) => (service === undefined ? '' : `${service} ${share(bill[service])}`);
  const notice = estimateNotice(prod.groups, measured);
  return [
    ...(notice === undefined ? [] : [`**${notice}**`, '']),
    `**${showUsd(all * images)} for ${showCount(images)} photographs** of 3 to 12 megapixels in stage prod: ${term(first)}, ${term(second)}, ${term(third)}.`,
    `The PUTs of ${renditions.toFixed(0)} renditions alone are ${share(costOf(usage, 'renditions, PUT'))}: ${renditionSentence(making, images)}`,
    `That is for images that come in bursts, and so fill the batches. One by one, as a million spread over a month come, they cost ${costs(oneByOne(prod))}: no batch fills, and X-Ray records every call.`,
    `Where workers that are kept warm take them all, it is ${costs({ ...prod, environments: 'kept warm' })} and what those cost by the month.`,
    ...(sharesAvif(prod)
      ? [
          `With AVIF in a rendition group of its own, as a slower encoder would have it, it is about ${costs({ ...prod, ...avifApart(prod) })} (ADR 6).`,
        ]
      : []),
    `The naive way costs ${costs(naive(prod))}: ${costs({ ...prod, rendering: 'a decode each, default efforts' })} with its rendering alone,`,
    `${costs({ ...naive(prod), workflow: 'EXPRESS' })} with all of it but the Standard workflow.`,
    '',
    `Measured on ${measured.date}: ${measured.machine}, Node ${measured.node}, sharp ${measured.sharp}. Prices of ${PRICES_OF}, us-east-1, before free tiers.`,
  ].join('\n');
}

function renditionSentence(making: number, images: number): string {
  const storing = prices.s3Write.usd;
  const verb = storing > making ? 'more' : 'less';
  return `a rendition costs ${showUsd(storing * images)} to put and ${showUsd(making * images)} to make, so ${verb} to store than to make.`;
}

function costOf(usage: readonly Usage[], what: string): number {
  return usage
    .filter((line) => line.what === what)
    .reduce((sum, { price, quantity }) => sum + quantity * prices[price].usd, 0);
}

function quantityOf(usage: readonly Usage[], what: string): number {
  return usage.filter((line) => line.what === what).reduce((sum, { quantity }) => sum + quantity, 0);
}

const stages = ['dev', 'prod'] as const;
const workflows = ['EXPRESS', 'STANDARD'] as const;

/** A bill for each image mix. */
function billsOf(stage: (typeof stages)[number], workflow: Deployment['workflow'], measured: Measured) {
  const deployment = { ...deploymentOf(stage), workflow };
  return Object.values(mixes).map((mix) => ({ mix: mix.name, bill: billOf(usageOf(mix, deployment, measured)) }));
}

/** A row for each service, and more than one where stages or workflows differ in it. */
function billTable(measured: Measured, images: number): string {
  const variants = workflows.flatMap((workflow) =>
    stages.map((stage) => ({ workflow, stage, bills: billsOf(stage, workflow, measured).map(({ bill }) => bill) })),
  );
  const rowsOf = (name: string, read: (bill: Bill) => number) => {
    const cells = ({ bills }: (typeof variants)[number]) => bills.map((bill) => showUsd(read(bill) * images));
    return [...Map.groupBy(variants, (variant) => cells(variant).join()).values()].flatMap(([first, ...others]) => {
      if (first === undefined) return [];
      const shared = ([first.workflow, first.stage] as const).filter((word) =>
        others.every(({ workflow, stage }) => word === workflow || word === stage),
      );
      const all = others.length + 1 === variants.length;
      return [[all ? name : [name, ...shared].join(', '), ...cells(first)]];
    });
  };
  return table(
    [`US dollars for ${showCount(images)}`, ...Object.values(mixes).map(({ name }) => name)],
    [
      ...services
        .filter((service) => variants.some(({ bills }) => bills.some((bill) => bill[service] > 0)))
        .flatMap((service) => rowsOf(service, (bill) => bill[service])),
      ...rowsOf('all', total).map((row) => row.map((cell) => `**${cell}**`)),
    ],
  );
}

function usageTable(usage: readonly Usage[], images: number): string {
  const merged = new Map<string, { readonly line: Usage; quantity: number }>();
  for (const line of usage) {
    const key = `${line.service} ${line.what}`;
    const found = merged.get(key);
    if (found) found.quantity += line.quantity;
    else merged.set(key, { line, quantity: line.quantity });
  }
  const rows = [...merged.values()]
    .map(({ line, quantity }) => ({ ...line, quantity, cost: quantity * prices[line.price].usd * images }))
    .filter(({ cost }) => cost > 0)
    .sort((left, right) => right.cost - left.cost);
  return table(
    ['service', 'for what', 'an image uses', 'of', `US dollars for ${showCount(images)}`],
    rows.map(({ service, what, quantity, price, cost }) => [
      service,
      what,
      showQuantity(quantity),
      prices[price].per,
      showUsd(cost),
    ]),
  );
}

const architectures = ['arm64', 'x86_64'] as const;

/** The bill over how fast the processor may be, and how slow it may be before the goal is missed. */
function processorTable(prod: Deployment, measured: Measured, images: number): string {
  const uploads = measured.uploads.filter(({ name }) => photographs.includes(name));
  const rows = architectures.flatMap((architecture) =>
    Object.entries(assumptions.yardstickMillis[architecture]).map(([name, yardstickMillis]) => {
      const deployment = { ...prod, architecture, yardstickMillis };
      const bill = billOf(usageOf(mixes.photographs, deployment, measured));
      const factor = mean(uploads.map((upload) => cpuFactor(upload, deployment)));
      const cells = [
        ...[`${architecture}, ${name}`, String(yardstickMillis), factor.toFixed(2)],
        ...[bill.Lambda, total(bill)].map((usd) => showUsd(usd * images)),
      ];
      const isDeployed = architecture === prod.architecture && name === 'likely';
      return isDeployed ? cells.map((cell) => `**${cell}**`) : cells;
    }),
  );
  return [
    table(
      ['processor', 'yardstick, ms', 'CPU time, × measured', 'Lambda', `US dollars for ${showCount(images)}`],
      rows,
    ),
    goalSentence(prod, measured),
  ].join('\n\n');
}

/** US dollars for a million photographs. */
const GOAL = 60;

function goalSentence(prod: Deployment, measured: Measured): string {
  const over = costPerImage(mixes.photographs, prod, measured) * MILLION - GOAL;
  const slowest = slowestYardstick(prod, measured);
  const verdict = over < 0 ? 'is met' : `is missed by ${showUsd(over)}`;
  return (
    `The goal of $${GOAL} a million **${verdict}** on the ${prod.architecture} that is likely; ` +
    (slowest === undefined
      ? 'with these presets it is met on none.'
      : `it is met where the yardstick takes no more than ${slowest} ms.`)
  );
}

/** In whole milliseconds: the slowest processor with which the goal is still met; none where its PUTs alone miss it. */
export function slowestYardstick(prod: Deployment, measured: Measured): number | undefined {
  const cost = (yardstickMillis: number) =>
    costPerImage(mixes.photographs, { ...prod, yardstickMillis }, measured) * MILLION;
  let millis = 0;
  while (cost(millis + 1) < GOAL) millis += 1;
  return millis === 0 ? undefined : millis;
}

function practiceTable(prod: Deployment, measured: Measured, images: number): string {
  return table(
    [`US dollars for ${showCount(images)} images`, 'where', 'with it', 'without', 'saves'],
    practices(prod, measured).map(({ name, where, withIt, without }) => [
      name,
      where,
      showUsd(withIt * images),
      showUsd(without * images),
      showUsd((without - withIt) * images),
    ]),
  );
}

function monthlyTable(measured: Measured): string {
  const prod = deploymentOf('prod');
  const months = [deploymentOf('dev'), prod].map((deployment) => [
    ...standingLines(deployment).map(({ what, price, quantity }) => ({ what, usd: quantity * prices[price].usd })),
    { what: 'probes', usd: probesCost(deployment, measured) },
  ]);
  const everything = months.map((lines) => lines.reduce((sum, { usd }) => sum + usd, 0));
  const rows = (months[0] ?? []).map(({ what }, index) => [
    what,
    ...months.map((lines) => showUsd(lines[index]?.usd ?? 0)),
  ]);
  return [
    table(
      ['US dollars a month, whatever comes', 'dev', 'prod'],
      [...rows, ['**all**', ...everything.map((usd) => `**${showUsd(usd)}**`)]],
    ),
    '',
    table(
      ['US dollars a month for each million photographs kept', 'GB', 'prod'],
      keptLines(mixes.photographs, prod, measured).map((line) => [
        line.what,
        (line.quantity * MILLION).toFixed(0),
        showUsd(line.quantity * MILLION * prices[line.price].usd),
      ]),
    ),
  ].join('\n');
}

/** How far each free allowance of a month reaches, if nothing else in the account uses it. */
function freeTierTable(prod: Deployment, measured: Measured): string {
  const usage = usageOf(mixes.photographs, prod, measured);
  const standing = standingLines(prod);
  const rows = freeTier.flatMap(({ price, free }) => {
    const perImage = usage.filter((line) => line.price === price).reduce((sum, { quantity }) => sum + quantity, 0);
    const perMonth = standing.filter((line) => line.price === price).reduce((sum, { quantity }) => sum + quantity, 0);
    if (perImage === 0 && perMonth === 0) return [];
    return [
      [
        price,
        `${showCount(free)} × ${prices[price].per}`,
        perImage === 0 ? '–' : `${showCount(Math.floor(Math.max(0, free - perMonth) / perImage / 1000) * 1000)} images`,
        showUsd(free * prices[price].usd),
      ],
    ];
  });
  return table(['price', 'free each month', 'reaches for', 'worth, US dollars'], rows);
}

function priceTable(): string {
  return table(
    ['price', 'US dollars', 'per', 'page'],
    Object.entries(prices).map(([name, { usd, per, source }]) => [name, showPrice(usd), per, source]),
  );
}

function powerTable(worker: 'metadata' | 'resize', prod: Deployment, measured: Measured, images: number): string {
  return table(
    [
      'MB',
      'vCPU',
      'threads',
      'measured, ms',
      '× CPU ÷ vCPU',
      'waits, ms',
      `paid on ${prod.architecture}, ms`,
      `US dollars for ${showCount(images)}`,
    ],
    settings(worker, prod, measured).map(({ memory, vcpus, threads, measured: own, computed, waits, paid, cost }) => [
      memory === prod.memory[worker] && threads === 1 ? `**${memory}**` : String(memory),
      vcpus.toFixed(2),
      String(threads),
      showSummary(own),
      (own.median / computed).toFixed(2),
      waits.toFixed(0),
      paid.toFixed(0),
      showUsd(cost * images),
    ]),
  );
}

/** A bar for each image mix and stage, by service; Standard below EXPRESS, on a scale of its own. */
export function costChart(measured: Measured): Promise<string> {
  const bars = (workflow: Deployment['workflow']) =>
    stages.flatMap((stage) =>
      billsOf(stage, workflow, measured).map(({ mix, bill }) => ({ name: `${mix} (${stage})`, bill })),
    );
  const estimated = estimateNotice(deploymentOf('prod').groups, measured) !== undefined;
  const naiveBill = billOf(usageOf(mixes.photographs, naive(deploymentOf('prod')), measured));
  const spec: ChartSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: `A million images, US dollars, us-east-1${estimated ? ' (estimate)' : ''}`, anchor: 'middle' },
    vconcat: [
      billPanel('EXPRESS, as shipped', bars('EXPRESS')),
      billPanel('Standard', [...bars('STANDARD'), { name: 'photographs, the naive way', bill: naiveBill }]),
    ],
  };
  return render(spec, 'paper');
}

function billPanel(title: string, bars: readonly { readonly name: string; readonly bill: Bill }[]) {
  const shown = services.filter((service) => bars.some(({ bill }) => bill[service] > 0));
  return {
    title: { text: title, fontSize: 12 },
    width: 560,
    height: { step: 22 },
    data: {
      values: bars.flatMap(({ name, bill }) =>
        shown.map((service, order) => ({
          ...{ name, service, order },
          dollars: Number((bill[service] * MILLION).toFixed(2)),
        })),
      ),
    },
    mark: 'bar' as const,
    encoding: {
      y: {
        field: 'name',
        type: 'nominal' as const,
        sort: bars.map(({ name }) => name),
        axis: { title: null, ticks: false, labelPadding: 8, labelLimit: 400 },
      },
      x: { field: 'dollars', type: 'quantitative' as const, axis: { title: null, format: '$d', tickCount: 8 } },
      color: {
        field: 'service',
        type: 'nominal' as const,
        sort: shown,
        legend: { title: null, orient: 'bottom' as const, columns: 5 },
      },
      order: { field: 'order' },
    },
  };
}

function showUsd(dollars: number): string {
  return `$${dollars.toFixed(2)}`;
}

function showPrice(usd: number): string {
  return usd >= 0.01 ? String(usd) : `${Number((usd * MILLION).toPrecision(6))} a million`;
}

function showQuantity(quantity: number): string {
  return String(Number(quantity.toPrecision(3)));
}

function showCount(count: number): string {
  return count === MILLION ? 'a million' : count.toLocaleString('en-US');
}
