import { describe, expect, it } from 'vitest';
import { type Attempt, nearest, nextQuality, SAME_SCORE } from '../bench/matching-quality.ts';

/** Every attempt of the search for `wanted`, with an encoder whose score at each quality number is known. */
function search(wanted: number, scoreOf: (quality: number) => number, first = 80): readonly Attempt[] {
  const attempts: Attempt[] = [];
  for (let quality: number | undefined = first; quality !== undefined; quality = nextQuality(attempts)) {
    attempts.push({ quality, off: scoreOf(quality) - wanted });
    if (attempts.length > 100) throw new Error('The search does not end.');
  }
  return attempts;
}

const curves: Readonly<Record<string, (quality: number) => number>> = {
  straight: (quality) => 0.6 * quality + 20,
  bent: (quality) => 90 - 9000 / (quality + 60),
  steep: (quality) => 3 * quality - 180,
};

describe.each(Object.entries(curves))('on a %s scale', (_, scoreOf) => {
  it.each([30, 45, 60, 72, 90])('finds a rendition of quality %i within the tolerance in few attempts', (quality) => {
    const attempts = search(scoreOf(quality), scoreOf);
    expect(Math.abs(nearest(attempts)?.off ?? Number.NaN)).toBeLessThanOrEqual(SAME_SCORE);
    expect(attempts.length).toBeLessThan(12);
  });
});

it('keeps the first setting within the tolerance', () => {
  expect(search(70, () => 70.6)).toHaveLength(1);
});

it('takes the nearer of two settings outside the tolerance', () => {
  const scoreOf = (quality: number) => 10 * quality;
  expect(nearest(search(723, scoreOf))?.quality).toBe(72);
  expect(nearest(search(728, scoreOf))?.quality).toBe(73);
});

it.each([
  [200, 100],
  [-200, 1],
])('for a score of %i beyond the scale, takes the end of the scale, %i', (wanted, end) => {
  expect(nearest(search(wanted, (quality) => quality / 2 + 30))?.quality).toBe(end);
});

it('ends the search on an uneven scale, too', () => {
  const attempts = search(71, (quality) => 0.6 * quality + 20 + 3 * Math.sin(quality * 7));
  expect(nearest(attempts)).toBeDefined();
});
