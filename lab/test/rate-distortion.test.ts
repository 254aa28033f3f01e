import { describe, expect, it } from 'vitest';
import { atScore, priceOfAPoint } from '../bench/rate-distortion.ts';

// Ten points double the bytes and leave the CPU unchanged.
const curve = [
  { score: 80, bytes: 400, cpu: 10 },
  { score: 60, bytes: 100, cpu: 10 },
  { score: 70, bytes: 200, cpu: 10 },
];

describe('the size of a rendition at a score', () => {
  it.each([
    [60, 100],
    [65, 100 * Math.SQRT2],
    [70, 200],
    [80, 400],
    // Beyond the measurements, extrapolated from the nearest segment.
    [90, 800],
    [50, 50],
  ])('at %i: %d bytes', (score, bytes) => {
    expect(atScore(curve, score).bytes).toBeCloseTo(bytes, 6);
    expect(atScore(curve, score).cpu).toBe(10);
  });

  it('one more point adds a share of the current size', () => {
    expect(priceOfAPoint(curve, 70).bytes).toBeCloseTo(2 ** 0.1 - 1, 6);
    expect(priceOfAPoint(curve, 70).cpu).toBe(0);
  });

  it('is undefined for a single point', () => {
    expect(() => atScore(curve.slice(0, 1), 70)).toThrow(/two points/);
  });
});
