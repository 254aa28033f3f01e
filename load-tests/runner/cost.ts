/** What a run will cost, before it is started: the cost model's images, and what a load test does beside. */
import { deploymentOf } from '../../lab/cost/deployment.ts';
import { costPerImage, mixes, oneByOne } from '../../lab/cost/model.ts';
import { prices } from '../../lab/cost/prices.ts';
import type { PlannedChange } from './plan.ts';

// Until a change is decided, looks at its record.
const looks = 20;
const deletions = { name: 'deletions', images: [{ share: 1, image: { becomes: 'deleted' } }] } as const;

/**
 * US dollars, rounded up to the cent, for any stage: by the image they differ by less than a hundredth. At the end each change's version is
 * removed, of which the pipeline hears as of a deletion.
 */
export function estimatedCost(changes: readonly Pick<PlannedChange, 'kind'>[]): number {
  // As if each came alone and filled no batch: an estimate that asks for consent errs upwards.
  const deployment = oneByOne(deploymentOf('prod'));
  const upload = costPerImage(mixes.photographs, deployment) + prices.s3Write.usd;
  const deletion = costPerImage(deletions, deployment);
  const uploads = changes.filter(({ kind }) => kind === 'upload').length;
  const dollars =
    uploads * upload +
    (changes.length - uploads) * deletion +
    changes.length * (deletion + looks * prices.dynamoDbRead.usd);
  return Math.ceil(dollars * 100) / 100;
}
