import fc from 'fast-check';
import { substituted } from '../support/asl.ts';
import { allWait, World } from './world.ts';

/** A world for one directed history, in which the same task always continues. */
export function worldInTurn() {
  const act = async (turn: () => Promise<void>) => {
    await turn();
    await allWait();
  };
  const [scheduler] = fc.sample(fc.scheduler({ act }), { numRuns: 1, seed: 1 });
  if (scheduler === undefined) throw new Error('fast-check made no scheduler.');
  const world = new World(substituted('image-pipeline', { values: { AnnounceDescriptions: 'false' } }), scheduler);
  return { world, scheduler };
}
