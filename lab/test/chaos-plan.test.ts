import { expect, it } from 'vitest';
import { chaosPlan, erasedFolder, troubleKinds, unnoticedFolder } from '../prove/chaos-plan.ts';

/** The plan of `npm run lab -- prove chaos`. */

const plan = chaosPlan({ seed: 1, uploads: 500 });

it('uploads 500 images, and about a fifth of them twice, with different content', () => {
  expect(new Set(plan.images.map(({ key }) => key)).size).toBe(500);
  const replaced = plan.images.filter(({ before }) => before !== undefined);
  expect(replaced.length).toBeGreaterThan(70);
  expect(replaced.length).toBeLessThan(120);
  expect(replaced.filter(({ before, shown }) => before === shown)).toEqual([]);
});

it('repeats a fifth of the events, loses none, and shuffles them', () => {
  const messages = plan.images.map(({ key }) => key);
  const disordered = plan.disorder(messages);
  expect(disordered.length).toBe(600);
  expect(new Set(disordered)).toEqual(new Set(messages));
  expect(disordered.filter((message, index) => message === messages[index]).length).toBeLessThan(50);
});

it('kills, throttles and denies calls in every minute', () => {
  // One fault every three seconds.
  for (let from = 0; from + 20 <= 100; from += 20) {
    const kinds = new Set(plan.troubles.slice(from, from + 20).map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual([...troubleKinds].sort());
  }
});

it('erases a few images in the middle of the run, and backfills a few others whose events are lost', () => {
  const keysOf = (images: readonly { readonly key: string }[]) => images.map(({ key }) => key);
  const all = [...plan.images, ...plan.erased, ...plan.unnoticed];
  expect(new Set(keysOf(all)).size).toBe(510);
  expect(keysOf(plan.erased).every((key) => key.startsWith(erasedFolder))).toBe(true);
  expect(keysOf(plan.unnoticed).every((key) => key.startsWith(unnoticedFolder))).toBe(true);
  const begins = Array.from({ length: 30 }, (_, seed) => chaosPlan({ seed, uploads: 1 }).commandsAfter);
  expect(Math.min(...begins)).toBeGreaterThanOrEqual(0.2);
  expect(Math.max(...begins)).toBeLessThanOrEqual(0.6);
});

it('depends only on the seed', () => {
  const drawn = (seed: number) => JSON.stringify(chaosPlan({ seed, uploads: 50 }));
  expect(drawn(1)).toBe(drawn(1));
  expect(drawn(1)).not.toBe(drawn(2));
});
