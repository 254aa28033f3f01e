import { describe, expect, it } from 'vitest';
import { poisonPlan, SENDERS, TIMES_THE_RATE } from '../prove/poison-plan.ts';

/** What `npm run lab -- prove chaos --poison` is going to send. */

const folderOf = ({ key }: { readonly key: string }) => key.slice(0, key.indexOf('/'));

describe.each([
  [500, 17],
  [116, 4],
])('of %i uploads', (uploads, each) => {
  const { others, poison } = poisonPlan({ seed: 1, uploads });

  it('19 senders send the same number, and one ten times as many, all poison', () => {
    const bySender = Map.groupBy(others, folderOf);
    expect(bySender.size).toBe(SENDERS - 1);
    expect([...bySender.values()].map(({ length }) => length)).toEqual(Array.from({ length: SENDERS - 1 }, () => each));
    expect(new Set(poison.map(folderOf)).size).toBe(1);
    expect(poison.length).toBe(uploads - each * (SENDERS - 1));
    expect(poison.length / each).toBeGreaterThanOrEqual(TIMES_THE_RATE);
  });

  it('half of the poison keeps its worker busy or kills it, and half is refused', () => {
    const kinds = Map.groupBy(poison, ({ kind }) => kind);
    expect(kinds.get('kills')?.length).toBeGreaterThan(0);
    expect(kinds.get('heavy')?.length).toBeCloseTo(poison.length / 2, -1);
  });

  it('poison comes as long as the uploads of others do', () => {
    const last = Math.max(...others.map(({ atMillis }) => atMillis));
    expect(Math.max(...poison.map(({ atMillis }) => atMillis))).toBeGreaterThan(0.8 * last);
    expect(Math.min(...poison.map(({ atMillis }) => atMillis))).toBeLessThan(0.2 * last);
  });

  it('no key is the beginning of another', () => {
    const keys = poison.map(({ key }) => key);
    expect(keys.filter((key) => keys.some((other) => other !== key && other.startsWith(key)))).toEqual([]);
  });
});
