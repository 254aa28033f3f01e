import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ofType, readTemplate, templateFor } from '../../scripts/template/template.ts';
import { cacheUsd, costPage, firewallUsd, idleLines, uploadLines, viewsUsd, withBlocks } from '../cost/cost.ts';
import { prices, sharedPrices } from '../cost/prices.ts';

const MILLION = 1_000_000;
const page = readFileSync(costPage, 'utf8');
const total = (lines: readonly { readonly usd: number }[]) => lines.reduce((sum, { usd }) => sum + usd, 0);

it('docs/cost.md is what the template and the prices say: npm run cost writes it', () => {
  expect(page).toBe(withBlocks(page));
});

it('each price has its source, a page of AWS, and is on the page', () => {
  for (const { source, label } of [...Object.values(prices), ...sharedPrices]) {
    expect(source).toMatch(/^https:\/\/aws\.amazon\.com\/[\w-]+\/pricing\//);
    expect(page).toContain(`[${label}](${source})`);
  }
});

it('an upload includes what only the gallery adds: its ticket, its queue, its table and its messages', () => {
  const lines = uploadLines();
  for (const part of ['ticket', 'queue', 'table, writes', 'live messages'])
    expect(
      lines.some(({ what, usd }) => what.includes(part) && usd > 0),
      part,
    ).toBe(true);
  // Raise it on purpose: another event, index or call for each upload costs more.
  expect(MILLION * total(lines)).toBeLessThan(60);
});

it('without its free tier, CloudFront costs more per picture than S3; with it, small galleries pay for the reads only', () => {
  const [paid, free] = [{ free: false }, { free: true }];
  expect(viewsUsd(MILLION, 'CloudFront', paid)).toBeGreaterThan(viewsUsd(MILLION, 'S3', paid));
  // 10 million reads, and 8 million calls of the function that changes the path.
  expect(viewsUsd(10 * MILLION, 'CloudFront', free)).toBeCloseTo(4.8, 6);
  expect(viewsUsd(2 * MILLION, 'CloudFront', free)).toBeCloseTo(0.8, 6);
  expect(viewsUsd(10 * MILLION, 'S3', free)).toBeGreaterThan(20);
});

it('an idle month includes each secret, alarm, dashboard and polled queue of the template', () => {
  const of = (stage: 'dev' | 'prod') => new Map(idleLines(stage).map(({ what, usd }) => [what.split(' ')[0], usd]));
  const template = templateFor('prod', { CookieKeyGroupId: 'group' }, readTemplate('gallery/template.yaml'));
  // Five alarms, of which two read two metrics, and one reads three: each metric is charged.
  expect(ofType(template, 'AWS::CloudWatch::Alarm')).toHaveLength(5);
  expect(of('prod').get('alarms')).toBeCloseTo(0.9);
  expect(of('dev').get('alarms')).toBeCloseTo(0.2);
  expect(of('prod').get('dashboard')).toBe(3);
  expect(of('dev').get('dashboard')).toBe(0);
  expect(of('dev').get('secret')).toBe(0.4);
  expect(of('dev').get('polling')).toBeGreaterThan(0.2);
  expect(total(idleLines('dev')), 'Idle costs are a promise: raise it on purpose.').toBeLessThan(1.5);
});

it('the firewall costs what the description of its parameter says', () => {
  const { month, call } = firewallUsd();
  const description = readFileSync(new URL('../template.yaml', import.meta.url), 'utf8');
  expect(description).toContain(`$${month.toFixed(2)} per month`);
  expect(description.replaceAll(/\s+/g, ' ')).toContain(`$${(MILLION * call).toFixed(2)} per million requests`);
});

it('the cache of the API pays only for millions of answers', () => {
  expect(cacheUsd().breakEven).toBeGreaterThan(MILLION);
});
