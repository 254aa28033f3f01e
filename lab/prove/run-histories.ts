/** A thread of `npm run lab -- prove model`: histories of one seed, against the workflow or one of its sabotages. */
import { parentPort, workerData } from 'node:worker_threads';
import * as z from 'zod';
import { runHistories } from '../../test/model/histories.ts';
import { sabotages } from '../../test/model/sabotages.ts';

const { seed, runs, sabotage } = z
  .object({ seed: z.int(), runs: z.int(), sabotage: z.string().optional() })
  .parse(workerData);
const broken = sabotages.find(({ what }) => what === sabotage);
parentPort?.postMessage(await runHistories({ seed, runs, workflow: broken?.workflow, readEvent: broken?.readEvent }));
