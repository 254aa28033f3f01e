/** The bill as Markdown and as a chart. */
import { mean, sum } from 'simple-statistics';
import { type ChartSpec, render } from '../../load-tests/render-chart.ts';
import { showSummary } from '../summary.ts';
import { table } from '../table.ts';
import { assumptions } from './assumptions.ts';
import { attacks, hourUsd, placesOfOneSender, poison } from './attack.ts';
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
import { avifApart, NAIVE_TRANSITIONS, naive, practices, sharesAvif } from './practices.ts';
import { freeTier, PRICES_OF, prices } from './prices.ts';

const MILLION = 1_000_000;

/** By the name of their place in lab/docs/cost.md. */
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
    attack: attackTable(prod, measured),
  };
}

/**
 * README's prices. If durations were measured with other presets, the table says that it is an estimate: README is the page
 * that people compare prices on.
 */
export function readmePrices(
  measured: Measured,
  deployments: { readonly dev: Deployment; readonly prod: Deployment } = {
    dev: deploymentOf('dev'),
    prod: deploymentOf('prod'),
  },
): string {
  const { dev, prod } = deployments;
  const estimated = estimateNotice(prod.groups, measured) !== undefined;
  const million = (deployment: Deployment) =>
    (costPerImage(mixes.photographs, deployment, measured) * MILLION).toFixed(0);
  const month = (deployment: Deployment) => idleMonth(deployment, measured).toFixed(2);
  const renditions = quantityOf(usageOf(mixes.photographs, prod, measured), 'renditions, PUT').toFixed(0);
  const each = renditions === '1' ? '1 rendition each' : `${renditions} renditions each`;
  return table(
    ['in us-east-1, before free tiers', estimated ? 'US$ (estimate: other presets were measured)' : 'US$'],
    [
      [`a million photographs of 3–12 megapixels, ${each}`, million(prod)],
      [
        'the same photographs with [the straightforward design](lab/docs/cost.md#where-the-money-goes)',
        million(naive(prod)),
      ],
      ['stage `dev`, an idle month', month(dev)],
      ['stage `prod`, an idle month, with workers kept warm', month(prod)],
    ],
  );
}

/** By the name of their place in lab/docs/power-tuning.md. */
export function powerTuningBlocks(measured: Measured, images = MILLION): Readonly<Record<string, string>> {
  const prod = deploymentOf('prod');
  return {
    'resize-image': powerTable('resize', prod, measured, images),
    'extract-metadata': powerTable('metadata', prod, measured, images),
  };
}

const MEGABYTE = 1_000_000;

function attackTable(prod: Deployment, measured: Measured): string {
  const { before, unknown, bounded, refused } = attacks(measured, prod);
  const each = [before, unknown, bounded, refused];
  const usd = (amount: number) => `$${amount >= 0.1 ? amount.toFixed(2) : amount.toPrecision(2)}`;
  const places = placesOfOneSender();
  return [
    table(
      ['US$ per megabyte of poison', 'bytes', ...each.map(({ name }) => name)],
      [
        ...poison.map(({ name, bytes }) => [
          name,
          bytes.toLocaleString('en'),
          ...each.map((attack) => usd((attack.usd * MEGABYTE) / bytes)),
        ]),
        ['**one upload, of any size**', '', ...each.map((attack) => `**$${attack.usd.toFixed(6)}**`)],
      ],
    ),
    '',
    `An upload of a new kind costs ${(before.usd / bounded.usd).toFixed(0)} times less than before, or ${(before.usd / unknown.usd).toFixed(0)} times if it gets past the bound, a known one ${Math.round(before.usd / refused.usd).toLocaleString('en')} times less. However much one ` +
      `sender uploads, its images keep at most ${places.now} places busy, where they could take all ${places.before}: workers for ` +
      `$${hourUsd(places.now, prod).toFixed(2)} an hour instead of $${hourUsd(places.before, prod).toFixed(2)}.`,
  ].join('\n');
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
    `**${showUsd(all * images)} ${forImages(images)} photographs** of 3 to 12 megapixels in stage prod: ${term(first)}, ${term(second)}, ${term(third)}.`,
    '',
    `- The PUTs of ${renditions.toFixed(0)} renditions alone are ${share(costOf(usage, 'renditions, PUT'))}. A rendition costs ${showUsd(prices.s3Write.usd * images)} to store and ${showUsd(making * images)} to make, ${forImages(images)}.`,
    `- This price is for bursts, which fill the dispatcher’s batches. One by one, for example spread evenly over a month, images cost ${costs(oneByOne(prod))}, because no batch fills and X-Ray traces every call.`,
    `- If provisioned concurrency serves every call, the price is ${costs({ ...prod, environments: 'kept warm' })} plus the monthly price of that concurrency.`,
    ...(sharesAvif(prod)
      ? [
          `- With AVIF in its own rendition group, which a slower encoder would need, it is about ${costs({ ...prod, ...avifApart(prod) })} (ADR 6).`,
        ]
      : []),
    `- **The naive design costs ${costs(naive(prod))}, ${(costPerImage(mixes.photographs, naive(prod), measured) / all).toFixed(1)} times as much.** Of this, ${showUsd(NAIVE_TRANSITIONS * prices.standardTransition.usd * images)} pays for the ${NAIVE_TRANSITIONS} state transitions per image of a short Standard workflow; the deployed workflow as Standard would make ${quantityOf(usageOf(mixes.photographs, { ...prod, workflow: 'STANDARD' }, measured), 'state transitions').toFixed(0)}. The deployed design with only the naive rendering would cost ${costs({ ...prod, rendering: 'a decode each, default efforts' })}.`,
    '',
    `Measured on ${measured.date}: ${measured.machine}, Node ${measured.node}, sharp ${measured.sharp}. Prices of ${PRICES_OF}, us-east-1, before free tiers.`,
  ].join('\n');
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

/** One bill per image mix. */
function billsOf(stage: (typeof stages)[number], workflow: Deployment['workflow'], measured: Measured) {
  const deployment = { ...deploymentOf(stage), workflow };
  return Object.values(mixes).map((mix) => ({ mix: mix.name, bill: billOf(usageOf(mix, deployment, measured)) }));
}

/** One row per service, or several where stages or workflows differ. */
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
    [`US$ ${forImages(images)}`, ...Object.values(mixes).map(({ name }) => name)],
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
    ['service', 'item', 'per image', 'unit', `US$ ${forImages(images)}`],
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

/** The bill for faster and slower processors, and the slowest that meets the goal. */
function processorTable(prod: Deployment, measured: Measured, images: number): string {
  const uploads = measured.uploads.filter(({ name }) => photographs.includes(name));
  const rows = architectures.flatMap((architecture) =>
    Object.entries(assumptions.referenceMillis[architecture]).map(([name, referenceMillis]) => {
      const deployment = { ...prod, architecture, referenceMillis };
      const bill = billOf(usageOf(mixes.photographs, deployment, measured));
      const factor = mean(uploads.map((upload) => cpuFactor(upload, deployment)));
      const cells = [
        ...[`${architecture}, ${name}`, String(referenceMillis), factor.toFixed(2)],
        ...[bill.Lambda, total(bill)].map((usd) => showUsd(usd * images)),
      ];
      const isDeployed = architecture === prod.architecture && name === 'likely';
      return isDeployed ? cells.map((cell) => `**${cell}**`) : cells;
    }),
  );
  return [
    table(['processor', 'reference job, ms', 'CPU time, × measured', 'Lambda', `US$ ${forImages(images)}`], rows),
    goalSentence(prod, measured),
  ].join('\n\n');
}

/** US dollars per million photographs. */
const GOAL = 60;

function goalSentence(prod: Deployment, measured: Measured): string {
  const over = costPerImage(mixes.photographs, prod, measured) * MILLION - GOAL;
  const slowest = slowestReference(prod, measured);
  const verdict = over < 0 ? 'is met' : `is missed by ${showUsd(over)}`;
  return (
    `The goal of $${GOAL} per million **${verdict}** at the likely speed of ${prod.architecture}. ` +
    (slowest === undefined
      ? 'With these presets no processor meets it.'
      : `It is met as long as the reference job takes no more than ${slowest} ms.`)
  );
}

/** The slowest reference job, in whole milliseconds, that still meets the goal; undefined if the PUTs alone miss it. */
export function slowestReference(prod: Deployment, measured: Measured): number | undefined {
  const cost = (referenceMillis: number) =>
    costPerImage(mixes.photographs, { ...prod, referenceMillis }, measured) * MILLION;
  let millis = 0;
  while (cost(millis + 1) < GOAL) millis += 1;
  return millis === 0 ? undefined : millis;
}

function practiceTable(prod: Deployment, measured: Measured, images: number): string {
  return table(
    [`US$ ${forImages(images)} images`, 'where', 'with', 'without', 'saved'],
    practices(prod, measured).map(({ name, where, withIt, without }) => [
      name,
      where,
      showUsd(withIt * images),
      showUsd(without * images),
      showUsd((without - withIt) * images),
    ]),
  );
}

/** What an idle month costs, line by line. */
function monthlyCosts(deployment: Deployment, measured: Measured) {
  return [
    ...standingLines(deployment).map(({ what, price, quantity }) => ({ what, usd: quantity * prices[price].usd })),
    { what: 'probes, with the events of their expiry', usd: probesCost(deployment, measured) },
  ];
}

/** US dollars of an idle month, in all. */
export function idleMonth(deployment: Deployment, measured: Measured): number {
  return sum(monthlyCosts(deployment, measured).map(({ usd }) => usd));
}

function monthlyTable(measured: Measured): string {
  const prod = deploymentOf('prod');
  const months = [deploymentOf('dev'), prod].map((deployment) => monthlyCosts(deployment, measured));
  const everything = [deploymentOf('dev'), prod].map((deployment) => idleMonth(deployment, measured));
  const rows = (months[0] ?? []).map(({ what }, index) => [
    what,
    ...months.map((lines) => showUsd(lines[index]?.usd ?? 0)),
  ]);
  return [
    table(
      ['US$ per month, idle', 'dev', 'prod'],
      [...rows, ['**all**', ...everything.map((usd) => `**${showUsd(usd)}**`)]],
    ),
    '',
    'What comes on top:',
    '',
    table(
      ['US$ per month', 'prod'],
      [
        [
          `the ${prod.standing.uploadMetrics} custom metrics of uploads, if there are some of every kind in every hour`,
          showUsd(prod.standing.uploadMetrics * prices.metric.usd),
        ],
        [
          'from the second year, after the first yearly rotation of the key',
          showUsd(prod.standing.keys * prices.kmsKey.usd),
        ],
        [
          'from the third year, after the second (later ones cost nothing)',
          showUsd(2 * prod.standing.keys * prices.kmsKey.usd),
        ],
      ],
    ),
    '',
    table(
      ['US$ per month, per million photographs stored', 'GB', 'prod'],
      keptLines(mixes.photographs, prod, measured).map((line) => [
        line.what,
        (line.quantity * MILLION).toFixed(0),
        showUsd(line.quantity * MILLION * prices[line.price].usd),
      ]),
    ),
  ].join('\n');
}

/** How many images each monthly free allowance covers, if nothing else in the account uses it. */
function freeTierTable(prod: Deployment, measured: Measured): string {
  const usage = usageOf(mixes.photographs, prod, measured);
  const standing = standingLines(prod);
  const rows = freeTier.flatMap(({ price, free, units }) => {
    const perImage = usage.filter((line) => line.price === price).reduce((sum, { quantity }) => sum + quantity, 0);
    const perMonth = standing.filter((line) => line.price === price).reduce((sum, { quantity }) => sum + quantity, 0);
    if (perImage === 0 && perMonth === 0) return [];
    return [
      [
        prices[price].label,
        `${showCount(free)} ${units}`,
        perImage === 0 ? '–' : `${showCount(Math.floor(Math.max(0, free - perMonth) / perImage / 1000) * 1000)} images`,
        showUsd(free * prices[price].usd),
      ],
    ];
  });
  return table(['price', 'free per month', 'covers', 'worth, US$'], rows);
}

function priceTable(): string {
  return table(
    ['price', 'US$', 'unit', 'source'],
    Object.values(prices).map(({ label, usd, per, source }) => [label, showPrice(usd), per, source]),
  );
}

function powerTable(worker: 'metadata' | 'resize', prod: Deployment, measured: Measured, images: number): string {
  return table(
    [
      'MB',
      'vCPU',
      'threads',
      'measured, ms',
      '÷ computed',
      'S3 wait, ms',
      `billed on ${prod.architecture}, ms`,
      `US$ ${forImages(images)}`,
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

/** The naive design, our workflow as Standard, and what ships: one bar each, by service. */
export function costChart(measured: Measured): Promise<string> {
  const prod = deploymentOf('prod');
  const bars = [
    { name: 'naive design', deployment: naive(prod) },
    { name: 'this workflow as Standard', deployment: { ...prod, workflow: 'STANDARD' as const } },
    { name: 'as shipped', deployment: prod },
  ].map(({ name, deployment }) => ({ name, bill: billOf(usageOf(mixes.photographs, deployment, measured)) }));
  const estimated = estimateNotice(prod.groups, measured) !== undefined;
  const shown = services.filter((service) => bars.some(({ bill }) => bill[service] * MILLION >= 1));
  const dollars = (usd: number) => Number((usd * MILLION).toFixed(2));
  const y = {
    field: 'name',
    type: 'nominal' as const,
    sort: bars.map(({ name }) => name),
    axis: { title: null, ticks: false, domain: false, labelPadding: 8 },
  };
  const spec: ChartSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: {
      text: `US$ per million photographs, us-east-1${estimated ? ' (estimate)' : ''}`,
      anchor: 'start',
      offset: 12,
    },
    width: 480,
    height: { step: 44 },
    encoding: { y },
    layer: [
      {
        data: {
          values: bars.flatMap(({ name, bill }) =>
            shown.map((service, order) => ({ name, service, order, dollars: dollars(bill[service]) })),
          ),
        },
        mark: { type: 'bar', height: 26 },
        encoding: {
          x: { field: 'dollars', type: 'quantitative', axis: null, scale: { nice: false } },
          color: {
            field: 'service',
            type: 'nominal',
            sort: shown,
            legend: { title: null, orient: 'bottom', columns: 4, symbolType: 'square' },
          },
          order: { field: 'order' },
        },
      },
      {
        data: {
          values: bars.map(({ name, bill }) => ({
            ...{ name, dollars: dollars(total(bill)) },
            label: `$${dollars(total(bill)).toFixed(0)}`,
          })),
        },
        mark: { type: 'text', align: 'left', dx: 6, fontSize: 15, fontWeight: 'bold' },
        encoding: { x: { field: 'dollars', type: 'quantitative' }, text: { field: 'label' } },
      },
    ],
  };
  return render(spec, 'paper');
}

function showUsd(dollars: number): string {
  return `$${dollars.toFixed(2)}`;
}

function showPrice(usd: number): string {
  return usd >= 0.01 ? String(usd) : `${Number((usd * MILLION).toPrecision(6))} per million`;
}

function showQuantity(quantity: number): string {
  return String(Number(quantity.toPrecision(3)));
}

function showCount(count: number): string {
  return count.toLocaleString('en-US');
}

function forImages(images: number): string {
  return images === MILLION ? 'per million' : `for ${showCount(images)}`;
}
