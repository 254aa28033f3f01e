/** What a run will cost, before it is started: the cost model's image, and what a load test does beside. */
import { costPerImage } from '../cost/model.ts';
import { prices } from '../cost/prices.ts';

// The upload's own PUT; its deletion, which goes through the pipeline too and lists what to remove; and, until it is
// decided, looks at its record.
const puts = 1;
const removal =
  prices.expressRequest.usd + prices.s3Write.usd + prices.eventBridgeDataEvent.usd + prices.eventBridgeCustomEvent.usd;
const looks = 20;

/** US dollars, rounded up to the cent. */
export function estimatedCost(changes: number): number {
  const each = costPerImage() + puts * prices.s3Write.usd + removal + looks * prices.dynamoDbRead.usd;
  return Math.ceil(changes * each * 100) / 100;
}
