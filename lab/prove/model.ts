import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import pMap from 'p-map';
import { showStep } from '../../scripts/terminal/progress.ts';
import type { Figures, Findings } from '../../test/model/histories.ts';
import { sabotages } from '../../test/model/sabotages.ts';
import type { Proof, ProofOptions } from './proof.ts';

// This many per seed; further histories use the next seed, so that they can run in parallel.
const HISTORIES_A_SEED = 1_250;

// Stops at the first history that detects it; the rarest sabotage takes over a thousand.
const HISTORIES_A_SABOTAGE = 10_000;

interface Task {
  readonly seed: number;
  readonly runs: number;
  readonly sabotage?: string;
}

/** Runs histories of a bucket against the workflow, and then against workflows broken on purpose, which they must detect. */
export async function proveModel({ seed, runs = 10_000 }: ProofOptions): Promise<readonly Proof[]> {
  const histories = Array.from({ length: Math.ceil(runs / HISTORIES_A_SEED) }, (_, index): Task => {
    return { seed: seed + index, runs: Math.min(HISTORIES_A_SEED, runs - index * HISTORIES_A_SEED) };
  });
  const broken = sabotages.map(({ what }): Task => ({ seed, runs: HISTORIES_A_SABOTAGE, sabotage: what }));
  const found = await inThreads('Histories', histories);
  const noticed = await inThreads('Sabotages', broken);
  return [
    {
      promise: 'every history ends as the reference predicts',
      evidence: describe(found.map(({ figures }) => figures)),
      against: found.flatMap(({ defect }) => defect?.report ?? []).join('\n\n') || undefined,
    },
    ...broken.map(({ sabotage }, index): Proof => {
      const defect = noticed[index]?.defect;
      return {
        promise: `noticed: ${sabotage}`,
        evidence: defect ? `in history ${defect.after}; ${defect.smallest}` : `${HISTORIES_A_SABOTAGE} histories`,
        against: defect ? undefined : 'No history detected it.',
      };
    }),
  ];
}

function describe(figures: readonly Figures[]): string {
  const sum = (of: (each: Figures) => number) => figures.reduce((total, each) => total + of(each), 0);
  const kinds = new Set(figures.flatMap(({ troubles }) => [...troubles.keys()]));
  const troubles = [...kinds].map((kind) => `${kind} ${sum((each) => each.troubles.get(kind) ?? 0)}`);
  return (
    `${sum(({ histories }) => histories)} histories: ${sum(({ changes }) => changes)} changes in S3, ` +
    `${sum(({ messages }) => messages)} messages, ${sum(({ events }) => events)} events, ${sum(({ repairs }) => repairs)} repairs by audits, ${sum(({ rerenders }) => rerenders)} images rendered again, ${sum(({ erasures }) => erasures)} erased; ${troubles.join(', ')}; ` +
    `left behind by late workers: ${sum(({ leftBehind }) => leftBehind)}`
  );
}

function inThreads(title: string, tasks: readonly Task[]): Promise<Findings[]> {
  let done = 0;
  return showStep(`${title}: ${tasks.length} seeds and workflows`, (report) => {
    const run = async (task: Task) => {
      const findings = await runInThread(task);
      done += 1;
      report(`${done} of ${tasks.length}`);
      return findings;
    };
    return pMap(tasks, run, { concurrency: availableParallelism() });
  });
}

function runInThread(task: Task): Promise<Findings> {
  const { promise, resolve, reject } = Promise.withResolvers<Findings>();
  const thread = new Worker(new URL('run-histories.ts', import.meta.url), { workerData: task });
  thread.once('message', resolve);
  thread.once('error', reject);
  return promise;
}
