/** `npm run lab -- cost`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withGenerated } from '../../scripts/docs/generated-blocks.ts';
import { command, wholeNumber } from '../../scripts/terminal/command.ts';
import { shownPath } from '../../scripts/terminal/project.ts';
import { deploymentOf } from './deployment.ts';
import { estimateNotice } from './estimate.ts';
import { keptFile, keptMeasurements, lastBenchFile, lastMeasurements } from './measured.ts';
import { billOf, costPerImage, mixes, total, usageOf } from './model.ts';
import { practices } from './practices.ts';
import { PRICES_OF } from './prices.ts';
import { costBlocks, costChart, powerTuningBlocks } from './report.ts';

export const costDocuments = {
  text: fileURLToPath(new URL('../docs/cost.md', import.meta.url)),
  chart: fileURLToPath(new URL('../docs/cost.svg', import.meta.url)),
  powerTuning: fileURLToPath(new URL('../docs/power-tuning.md', import.meta.url)),
};

export const costCommand = command({
  name: 'cost',
  summary: 'The price of a million images by service, image mix and practice, and of an idle month. 2 s.',
  syntax: (line) =>
    line
      .option('--images <n>', 'for so many images', wholeNumber({ from: 1, to: Number.MAX_SAFE_INTEGER }), 1_000_000)
      .option('--json', 'the same figures as JSON')
      .option(
        '--write',
        'keep the durations of the last bench, and write lab/docs/cost.md, cost.svg and power-tuning.md',
      ),
  notes: `Prices × what template.yaml, the workflow and core/presets.ts use × measured durations. Durations are those of the last
npm run lab -- bench durations on this machine, else the kept ones.`,
  run: async ({ options: { images, json, write } }) => {
    if (write) await writeDocuments();
    else process.stdout.write(json ? `${JSON.stringify(asJson(images), null, 2)}\n` : asText(images));
  },
});

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
  writeFileSync(costDocuments.text, withGenerated(readFileSync(costDocuments.text, 'utf8'), costBlocks(measured)));
  writeFileSync(
    costDocuments.powerTuning,
    withGenerated(readFileSync(costDocuments.powerTuning, 'utf8'), powerTuningBlocks(measured)),
  );
  const dollars = costPerImage() * 1_000_000;
  const notice = estimateNotice(deploymentOf('prod').groups, measured);
  process.stdout.write(
    `Written: ${Object.values(costDocuments).map(shownPath).join(', ')}. A million photographs: $${dollars.toFixed(2)}.\n` +
      (notice === undefined ? '' : `${notice}\n`),
  );
}
