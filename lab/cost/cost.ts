/** `npm run lab -- cost`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Option } from '@commander-js/extra-typings';
import { writeDocuments } from '../../scripts/docs/write-documents.ts';
import { command, wholeNumber } from '../../scripts/terminal/command.ts';
import { print } from '../../scripts/terminal/print.ts';
import { labDocuments } from '../docs.ts';
import { printMarkdown } from '../markdown.ts';
import { deploymentOf } from './deployment.ts';
import { estimateNotice } from './estimate.ts';
import { keptFile, keptMeasurements, lastBenchFile, lastMeasurements } from './measured.ts';
import { billOf, costPerImage, mixes, total, usageOf } from './model.ts';
import { practices } from './practices.ts';
import { PRICES_OF } from './prices.ts';
import { costBlocks } from './report.ts';

export const costCommand = command({
  name: 'cost',
  summary: 'The price of a million images by service, image mix and practice, and of an idle month. 2 s.',
  syntax: (line) =>
    line
      .option('--images <n>', 'for this many images', wholeNumber({ from: 1, to: Number.MAX_SAFE_INTEGER }), 1_000_000)
      .option('--json', 'print the figures as JSON')
      .option('--markdown', 'print the tables as Markdown')
      .addOption(
        new Option(
          '--write',
          'store the durations of the last npm run lab -- bench durations, and regenerate the pages that use them',
        ).conflicts(['json', 'markdown']),
      ),
  notes:
    'Prices × what template.yaml, the workflow and core/presets.ts use × measured durations. Durations are those of the last npm run lab -- bench durations on this machine, or else the stored ones.',
  run: async ({ options: { images, json, markdown, write } }) => {
    if (write) return await keepDurations();
    if (json) process.stdout.write(`${JSON.stringify(asJson(images), null, 2)}\n`);
    else printMarkdown(asMarkdown(images), markdown);
    return 0;
  },
});

function asMarkdown(images: number): string {
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
  return `${sections.map(([title, text]) => `## ${title}\n\n${text}`).join('\n\n')}\n\nDurations from ${source}. Prices and their pages: lab/cost/prices.ts.`;
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

async function keepDurations(): Promise<number> {
  if (existsSync(lastBenchFile)) writeFileSync(keptFile, readFileSync(lastBenchFile, 'utf8'));
  const exitCode = writeDocuments(await labDocuments(), {});
  print(`A million photographs: $${(costPerImage() * 1_000_000).toFixed(2)}.`);
  const notice = estimateNotice(deploymentOf('prod').groups, keptMeasurements());
  if (notice !== undefined) print(notice);
  return exitCode;
}
