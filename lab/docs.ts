/** `npm run lab -- docs`: what is calculated from the code and the stored measurements: tables and charts of lab/docs, README's prices. */

import { currentContent, type Documents, writeDocuments } from '../scripts/docs/write-documents.ts';
import { command } from '../scripts/terminal/command.ts';
import { keptMeasurements } from './cost/measured.ts';
import { costBlocks, costChart, powerTuningBlocks, readmePrices } from './cost/report.ts';
import { withGenerated } from './generated-blocks.ts';
import { scaleBlocks } from './scale/report.ts';

export const docsCommand = command({
  name: 'docs',
  summary:
    'Generates the cost and scale tables and the cost chart of lab/docs, and the prices in README.md; part of npm run docs. 3 s.',
  syntax: (line) => line.option('--check', 'write nothing; name the files that are out of date'),
  run: async ({ options: { check } }) => writeDocuments(await labDocuments(), { check }),
});

export async function labDocuments(): Promise<Documents> {
  const measured = keptMeasurements();
  return new Map([
    ...(stated('README.md', 'prices') ? [page('README.md', { prices: readmePrices(measured) })] : []),
    page('lab/docs/cost.md', costBlocks(measured)),
    page('lab/docs/power-tuning.md', powerTuningBlocks(measured)),
    page('lab/docs/scale.md', scaleBlocks(measured)),
    ['lab/docs/cost.svg', await costChart(measured)],
  ]);
}

/** A fork writes its own README, which need not state prices. */
function stated(path: string, block: string): boolean {
  return currentContent(path)?.includes(`<!-- generated: ${block} -->`) ?? false;
}

function page(path: string, blocks: Readonly<Record<string, string>>): [path: string, content: string] {
  return [path, withGenerated(currentContent(path) ?? '', blocks)];
}
