import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retryDelaySeconds } from '../../core/retry-delay.ts';

describe('the delay before the next attempt', () => {
  const delay = (receives: number, random: number, lastAttempt = false) =>
    retryDelaySeconds(receives, { baseSeconds: 60, lastAttempt, random });

  it('doubles each time', () => {
    expect([1, 2, 3, 4].map((receives) => delay(receives, 1))).toEqual([60, 120, 240, 480]);
  });

  it('is half random, so that messages which failed together do not return together', () => {
    expect([0, 0.5, 1].map((random) => delay(2, random))).toEqual([60, 90, 120]);
  });

  it('is never longer than an hour', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0, max: 1, noNaN: true }), (receives, random) => {
        const seconds = delay(receives, random);
        return Number.isInteger(seconds) && seconds >= 30 && seconds <= 3600;
      }),
    );
  });

  it('is zero after the last attempt: the dead-letter queue is next', () => {
    expect(delay(5, 1, true)).toBe(0);
  });
});
