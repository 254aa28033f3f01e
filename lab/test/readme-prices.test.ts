import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type Deployment, deploymentOf } from '../cost/deployment.ts';
import { keptMeasurements } from '../cost/measured.ts';
import { costPerImage, mixes, probesCost, standingLines } from '../cost/model.ts';
import { naive } from '../cost/practices.ts';
import { prices } from '../cost/prices.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const measured = keptMeasurements();
/** Uses the measured presets, which README's prices are for, even if core/presets.ts has changed. */
const stage = (name: 'dev' | 'prod'): Deployment => ({ ...deploymentOf(name), groups: measured.presets });
const perMillion = (deployment = stage('prod')) => 1_000_000 * costPerImage(mixes.photographs, deployment, measured);

function idleMonth(name: 'dev' | 'prod'): number {
  const lines = standingLines(stage(name)).map(({ price, quantity }) => quantity * prices[price].usd);
  return lines.reduce((sum, usd) => sum + usd, probesCost(stage(name), measured));
}

it.each<[what: string, written: RegExp, usd: number]>([
  ['a million photographs', /^\| a million photographs .* \| (\d+) \|$/m, perMillion()],
  ['an idle month of stage dev', /^\| stage `dev`, an idle month.*?\| (\d+) \|$/m, idleMonth('dev')],
  ['an idle month of stage prod', /^\| stage `prod`, an idle month.*? \| (\d+) \|$/m, idleMonth('prod')],
  ['the straightforward design', /\(\$(\d+) per million photographs\)/, perMillion(naive(stage('prod')))],
  ['its ratio', /straightforward design costs (\d+) times as much/, perMillion(naive(stage('prod'))) / perMillion()],
])('README.md states the price from the cost model for %s', (_, written, value) => {
  expect(written.exec(readme)?.[1], 'Update README.md.').toBe(value.toFixed(0));
});
