import fc from 'fast-check';
import { type Case, type CrashPoint, everyKind } from '../../test/faults/crash-points.ts';

/** Each call with every fault, once and lasting; each time in one of the stories that make it, selected by the seed. */
export function casesOf(points: readonly CrashPoint[], seed: number): Case[] {
  const everyWay = [...Map.groupBy(points, ({ stem, action }) => `${stem} ${action}`).values()].flatMap((stories) =>
    [false, true].flatMap((lasting) => everyKind.map((kind) => ({ stories, kind, lasting }))),
  );
  const one = fc.tuple(
    ...everyWay.map(({ stories, kind, lasting }) =>
      fc.constantFrom(...stories).map((point) => ({ ...point, kind, lasting })),
    ),
  );
  return fc.sample(one, { seed, numRuns: 1 }).flat();
}
