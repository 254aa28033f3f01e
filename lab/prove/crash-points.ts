import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { isolateThisProcess } from '../../scripts/local/isolated-environment.ts';
import { startLocalStack } from '../../scripts/local/local-stack.ts';
import { showStep } from '../../scripts/terminal/progress.ts';
import { shownPath, workDirectory } from '../../scripts/terminal/project.ts';
import { type Call, type Case, crashPoints, type Ending } from '../../test/faults/crash-points.ts';
import { fastWorkflows } from '../../test/faults/fast-clock.ts';
import { faultKinds } from '../../test/faults/fault-kinds.ts';
import { divertingEnvironment, startFaultProxy } from '../../test/faults/fault-proxy.ts';
import { casesOf } from './crash-point-cases.ts';
import { everyCall, missingCalls } from './every-call.ts';
import type { Proof, ProofOptions } from './proof.ts';

const listing = join(workDirectory, 'crash-points.txt');

// This many take eight minutes on two idle cores.
const SOME = 80;

/** Every call of every function and of the workflow × every fault, once and permanently; or only `runs` of these cases. */
export async function proveCrashPoints({ seed, runs, long }: ProofOptions): Promise<readonly Proof[]> {
  isolateThisProcess();
  const { stack, emulator } = await startLocalStack(0, showStep, { ...divertingEnvironment(), ...fastWorkflows });
  const proxy = await startFaultProxy(emulator);
  try {
    const points = await crashPoints(stack, proxy);
    await points.takeOneByOne();
    const found = await points.discover();
    const all = casesOf(found, seed);
    const count = Math.min(runs ?? (long ? all.length : SOME), all.length);
    const some = fc.shuffledSubarray(all, { minLength: count, maxLength: count });
    const [cases = []] = fc.sample(some, { seed, numRuns: 1 });
    const endings = await showStep(`Crash points: ${cases.length} of ${all.length}`, (report) =>
      points.run(cases, report),
    );
    points.close();
    await writeFile(listing, endings.map(lineOf).join(''));
    return [
      completeness(found),
      ...[false, true].map((lasting) =>
        proof(
          endings.filter(({ tried }) => tried.lasting === lasting),
          lasting,
        ),
      ),
    ];
  } finally {
    await proxy.stop();
    stack.close();
    await emulator.stop();
  }
}

function completeness(found: readonly Call[]): Proof {
  const [every, missing] = [everyCall(), missingCalls(found)];
  return {
    promise: 'every task of the workflow and every call that a function’s role allows is a crash point',
    evidence: `${every.length - missing.length} of ${every.length} calls`,
    against: missing.length === 0 ? undefined : missing.map(({ stem, action }) => `${stem} ${action}`).join('\n'),
  };
}

function proof(endings: readonly Ending[], lasting: boolean): Proof {
  const dead = endings.filter(({ deadLetter }) => deadLetter !== undefined);
  const against = endings.filter(({ defects }) => defects.length > 0);
  const reasons = Map.groupBy(dead, ({ deadLetter = '' }) => deadLetter.replace(/:.*/, ''));
  return {
    promise: lasting
      ? 'a permanent fault ends in a dead letter with a reason, or does no harm; once it is fixed, a redrive repairs everything'
      : 'a fault that happens once is overcome, or ends in a dead letter with a reason that a redrive repairs',
    evidence:
      `${endings.length} cases, ${Object.keys(faultKinds).length} faults of ` +
      `${new Set(endings.map(({ tried: { stem, action } }) => `${stem} ${action}`)).size} calls: ` +
      `${endings.length - dead.length} recovered, ${dead.length} became dead letters (${[...reasons].map(([kind, of]) => `${kind} ${of.length}`).join(', ')}); each in ${shownPath(listing)}`,
    against:
      against.length === 0
        ? undefined
        : against.map(({ tried, defects }) => `${nameOf(tried)}: ${defects.join(' ')}`).join('\n'),
  };
}

function lineOf({ tried, happened, deadLetter, defects }: Ending): string {
  const end =
    deadLetter === undefined ? 'recovered' : `dead letter, ${deadLetter.replaceAll(/\s+/g, ' ').slice(0, 200)}`;
  return `${[nameOf(tried), `${happened} times`, end, ...defects].join('; ')}\n`;
}

function nameOf({ stem, action, story, kind, lasting }: Case): string {
  return `${stem} ${action} ${kind} ${lasting ? 'permanently' : 'once'}, for an image ${story}`;
}
