/** `npm run lab -- cost`: see the help below. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { withBlocks } from '../../scripts/docs/generated-blocks.ts';
import { parseOrSay } from '../../scripts/terminal/command-options.ts';
import { Failure } from '../../scripts/terminal/failure.ts';
import { shownPath } from '../../scripts/terminal/project.ts';
import { deploymentOf } from './deployment.ts';
import { estimateNotice } from './estimate.ts';
import { keptFile, keptMeasurements, lastBenchFile, lastMeasurements } from './measured.ts';
import { billOf, costPerImage, mixes, total, usageOf } from './model.ts';
import { practices } from './practices.ts';
import { PRICES_OF } from './prices.ts';
import { costBlocks, costChart, powerTuningBlocks } from './report.ts';

const help = `What images cost on AWS: prices × what template.yaml, the workflow and core/presets.ts use × measured durations.

  npm run lab -- cost                   tables by service, image mix and practice
  npm run lab -- cost --images 50000    for so many images instead of a million
  npm run lab -- cost --json            the same figures as JSON
  npm run lab -- cost --write           keep the durations of the last bench, and write lab/docs/cost.md, cost.svg, power-tuning.md

Durations are those of the last \`npm run lab -- bench durations\` on this machine, else the kept ones.
`;

export const costDocuments = {
  text: fileURLToPath(new URL('../docs/cost.md', import.meta.url)),
  chart: fileURLToPath(new URL('../docs/cost.svg', import.meta.url)),
  powerTuning: fileURLToPath(new URL('../docs/power-tuning.md', import.meta.url)),
};

export async function cost(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  if (options.help) process.stdout.write(help);
  else if (options.write) await writeDocuments();
  else if (options.json) process.stdout.write(`${JSON.stringify(asJson(options.images), null, 2)}\n`);
  else process.stdout.write(asText(options.images));
}

function parseOptions(args: readonly string[]) {
  const { values } = parse(args);
  const images = Number(values.images);
  if (!Number.isInteger(images) || images < 1) throw new Failure('--images needs a whole number, for example 50000.');
  return { ...values, images };
}

function parse(args: readonly string[]) {
  return parseOrSay('npm run lab -- cost', () =>
    parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        images: { type: 'string', default: '1000000' },
        json: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
      },
    }),
  );
}

function asText(images: number): string {
  const { measured, source } = lastMeasurements();
  const {
    terms = '',
    bill = '',
    usage = '',
    processors = '',
    practices: saved = '',
    monthly = '',
    free = '',
  } = costBlocks(measured, images);
  const sections = [
    ['Cost', terms],
    ['By service', bill],
    ['A photograph in stage prod', usage],
    ['On other processors', processors],
    ['What each practice saves', saved],
    ['By the month', monthly],
    ['Free tier, not in the above', free],
  ];
  return `${sections.map(([title, text]) => `## ${title}\n\n${text}`).join('\n\n')}\n\nDurations from ${source}. Prices and their pages: lab/cost/prices.ts.\n`;
}

function asJson(images: number) {
  const { measured, source } = lastMeasurements();
  const stages = { dev: deploymentOf('dev'), prod: deploymentOf('prod') };
  const round = (dollars: number) => Number((dollars * images).toFixed(4));
  return {
    images,
    pricesOf: PRICES_OF,
    estimate: estimateNotice(stages.prod.groups, measured) ?? null,
    durations: { source, date: measured.date, machine: measured.machine },
    dollars: Object.entries(stages).flatMap(([stage, deployment]) =>
      (['EXPRESS', 'STANDARD'] as const).flatMap((workflow) =>
        Object.values(mixes).map((mix) => {
          const bill = billOf(usageOf(mix, { ...deployment, workflow }, measured));
          const services = Object.fromEntries(
            Object.entries(bill).map(([service, dollars]) => [service, round(dollars)]),
          );
          return { stage, workflow, mix: mix.name, services, all: round(total(bill)) };
        }),
      ),
    ),
    practices: practices(stages.prod, measured).map(({ name, withIt, without }) => ({
      ...{ name, saves: round(without - withIt) },
    })),
  };
}

async function writeDocuments(): Promise<void> {
  if (existsSync(lastBenchFile)) writeFileSync(keptFile, readFileSync(lastBenchFile, 'utf8'));
  const measured = keptMeasurements();
  writeFileSync(costDocuments.chart, await costChart(measured));
  writeFileSync(
    costDocuments.text,
    withBlocks(readFileSync(costDocuments.text, 'utf8'), 'lab cost', costBlocks(measured)),
  );
  writeFileSync(
    costDocuments.powerTuning,
    withBlocks(readFileSync(costDocuments.powerTuning, 'utf8'), 'lab cost', powerTuningBlocks(measured)),
  );
  const dollars = costPerImage() * 1_000_000;
  const notice = estimateNotice(deploymentOf('prod').groups, measured);
  process.stdout.write(
    `Written: ${Object.values(costDocuments).map(shownPath).join(', ')}. A million photographs: $${dollars.toFixed(2)}.\n` +
      (notice === undefined ? '' : `${notice}\n`),
  );
}
