import { expect, it } from 'vitest';
import { imagePrice, monthlyStoragePrice, requestPrices } from '../../scripts/stack/prices.ts';
import { deploymentOf } from '../cost/deployment.ts';
import { keptMeasurements } from '../cost/measured.ts';
import { costPerImage, mixes, oneByOne } from '../cost/model.ts';
import { prices } from '../cost/prices.ts';

/** Commands state a price before they spend. They cannot import the lab, which a fork may delete. */

it('requests cost what the lab’s price list says', () => {
  expect(requestPrices).toEqual({
    s3Write: prices.s3Write.usd,
    s3Read: prices.s3Read.usd,
    dynamoDbRead: prices.dynamoDbRead.usd,
    dynamoDbWrite: prices.dynamoDbWrite.usd,
    sqsRequest: prices.sqsRequest.usd,
    functionRequest: prices.lambdaRequest.usd,
    functionGigabyteSecond: prices.lambdaArm64.usd,
    stateTransition: prices.standardTransition.usd,
    customEvent: prices.eventBridgeCustomEvent.usd,
    invalidationPath: prices.invalidationPath.usd,
    trace: prices.trace.usd,
    logGigabyte: prices.logIngestion.usd,
    alarmMonth: prices.alarm.usd,
    dashboardMonth: prices.dashboard.usd,
  });
});

it('storage costs what the lab’s price list says', () => {
  expect(monthlyStoragePrice(1_000_000_000)).toBe(prices.s3Storage.usd);
});

it.each(['dev', 'prod'] as const)('on stage %s, an image costs what is announced, or a little less', (stage) => {
  const groups = keptMeasurements().presets;
  const deployment = oneByOne({ ...deploymentOf(stage), groups });
  const cost = costPerImage(mixes.photographs, deployment);
  const announced = imagePrice(groups.flatMap((group) => group.presets).length);
  expect(announced).toBeGreaterThan(cost);
  expect(announced).toBeLessThan(1.15 * cost);
});
