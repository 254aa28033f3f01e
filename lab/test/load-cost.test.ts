import { expect, it } from 'vitest';
import { dollarsFor } from '../../load-tests/runner/cost.ts';
import { deploymentOf } from '../cost/deployment.ts';
import { keptMeasurements } from '../cost/measured.ts';
import { costPerImage, mixes, oneByOne } from '../cost/model.ts';
import { prices } from '../cost/prices.ts';

const measured = keptMeasurements();
const deletions = { name: 'deletions', images: [{ share: 1, image: { becomes: 'deleted' } }] } as const;

it.each(['dev', 'prod'] as const)(
  'on stage %s, the cost announced by a load test is the true cost or up to 15 %% more',
  (stage) => {
    const deployment = oneByOne({ ...deploymentOf(stage), groups: measured.presets });
    const presets = measured.presets.flatMap((group) => group.presets).length;
    // Every version is removed at the end, which the pipeline handles as a deletion.
    const always = costPerImage(deletions, deployment) + 20 * prices.dynamoDbRead.usd;
    const upload = costPerImage(mixes.photographs, deployment) + prices.s3Write.usd + always;
    const deletion = costPerImage(deletions, deployment) + always;
    for (const [announced, cost] of [
      [dollarsFor('upload', presets), upload],
      [dollarsFor('delete', presets), deletion],
    ] as const) {
      expect(announced).toBeGreaterThan(cost);
      expect(announced).toBeLessThan(1.15 * cost);
    }
  },
);
