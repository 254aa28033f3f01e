import { expect, it } from 'vitest';
import { templateFor } from '../../scripts/template/template.ts';
import { type MetricWidget, widgetsOf } from '../../test/support/dashboard-widgets.ts';
import { type PriceName, prices } from '../cost/prices.ts';

const chart = widgetsOf(templateFor('prod')).find(
  (widget): widget is MetricWidget => widget.type === 'metric' && widget.properties.title === 'US$ per 1,000 images',
);
const formulas = new Map(
  chart?.properties.metrics.flatMap((series) => ('formula' in series ? [[series.id, series.formula] as const] : [])),
);

it.each<[part: string, names: PriceName[]]>([
  ['lambda', ['lambdaArm64', 'lambdaRequest']],
  ['states', ['expressRequest', 'expressDuration']],
  ['s3', ['s3Write', 's3Read', 's3Storage']],
  ['dynamodb', ['dynamoDbWrite', 'dynamoDbRead']],
  ['messages', ['sqsRequest', 'eventBridgeCustomEvent']],
  ['logs', ['logIngestion']],
])('the dashboard of template.yaml estimates %s at the prices of the cost model', (part, names) => {
  const used = formulas.get(part)?.match(/\b0\.\d+\b/g) ?? [];
  expect(used.map(Number)).toEqual(names.map((name) => Number(prices[name].usd.toPrecision(6))));
});
