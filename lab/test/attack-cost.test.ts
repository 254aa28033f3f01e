import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { attacks, hourUsd, placesOfOneSender, poison } from '../cost/attack.ts';
import { deploymentOf } from '../cost/deployment.ts';
import { keptMeasurements } from '../cost/measured.ts';
import { prices } from '../cost/prices.ts';

const measured = keptMeasurements();
/** Uses the measured presets, as the page does, even if core/presets.ts has changed. */
const prod = { ...deploymentOf('prod'), groups: measured.presets };
const { before, unknown, bounded, refused } = attacks(measured, prod);
const GIGABYTES = 1769 / 1024;

describe('an upload that keeps its workers busy until Lambda stops them', () => {
  it('cost five attempts of three calls to two workers of 40 s each, and what waits for them', () => {
    const workers = 5 * 3 * 2 * 40 * GIGABYTES * prices.lambdaArm64.usd;
    const waiting = 5 * 3 * 40 * (0.5 * prices.lambdaArm64.usd + (64 / 1024) * prices.expressDuration.usd);
    const requests = 5 * 3 * 2 * prices.lambdaRequest.usd;
    expect(before.usd).toBeCloseTo(workers + waiting + requests + 5 * refused.usd, 9);
  });

  it('costs one attempt of two calls to each', () => {
    const workers = 2 * 2 * 40 * GIGABYTES * prices.lambdaArm64.usd;
    const waiting = 2 * 40 * (0.5 * prices.lambdaArm64.usd + (64 / 1024) * prices.expressDuration.usd);
    const requests = 2 * 2 * prices.lambdaRequest.usd;
    expect(unknown.usd).toBeCloseTo(workers + waiting + requests + refused.usd, 9);
  });

  it('costs one call of 15 s to each if the image process stops it', () => {
    const workers = 2 * 15 * GIGABYTES * prices.lambdaArm64.usd;
    const waiting = 15 * (0.5 * prices.lambdaArm64.usd + (64 / 1024) * prices.expressDuration.usd);
    expect(bounded.usd).toBeCloseTo(workers + waiting + 2 * prices.lambdaRequest.usd + refused.usd, 9);
  });

  it('costs less than a processed photograph once its kind is known', () => {
    expect(refused.usd).toBeLessThan(60 / 1_000_000);
  });
});

it('one sender cannot use more workers than before, whatever it sends', () => {
  const { now, before: all } = placesOfOneSender();
  expect(now).toBeLessThan(all);
  expect(hourUsd(now, prod)).toBeLessThan(hourUsd(all, prod));
});

it('the files are listed by size, as the price per megabyte falls', () => {
  const sizes = poison.map(({ bytes }) => bytes);
  expect(sizes).toEqual(sizes.toSorted((one, other) => one - other));
});

it('docs/security.md has the same figures', () => {
  const text = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8').replaceAll('\n', ' ');
  const megabyte = (usd: number) => (usd * 1_000_000) / poison[0].bytes;
  expect(text).toContain(`costs $${bounded.usd.toFixed(5)} in stage prod`);
  expect(text).toContain(`it costs $${unknown.usd.toFixed(4)}`);
  expect(text).toContain(`cost $${before.usd.toFixed(4)}, five attempts`);
  expect(text).toContain(`if each file has ${poison[0].bytes} bytes`);
  for (const amount of [
    megabyte(before.usd).toFixed(2),
    megabyte(unknown.usd).toFixed(2),
    megabyte(bounded.usd).toFixed(2),
    megabyte(refused.usd).toPrecision(2),
  ])
    expect(text).toContain(`| $${amount} |`);
  expect(text).toContain(`at most ${placesOfOneSender().now} of them are in progress`);
});
