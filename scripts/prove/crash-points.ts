import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Case, casesOf, crashPoints, type Ending } from '../../test/faults/crash-points.ts';
import { fastWorkflows } from '../../test/faults/fast-clock.ts';
import { divertingEnvironment, faultKinds, startFaultProxy } from '../../test/faults/fault-proxy.ts';
import { isolateThisProcess } from '../isolated-environment.ts';
import { startLocalStack } from '../local-stack.ts';
import { showStep } from '../progress.ts';
import { shownPath, workDirectory } from '../project.ts';

const listing = join(workDirectory, 'crash-points.txt');

/** Every call of every function and of the workflow × every fault, once and for good; or as many cases as `runs` says. */
export async function proveCrashPoints({ seed, runs }: { readonly seed: number; readonly runs?: number | undefined }) {
  isolateThisProcess();
  const stack = await startLocalStack(0, showStep, { ...divertingEnvironment(), ...fastWorkflows });
  const proxy = await startFaultProxy(stack.address);
  try {
    const points = await crashPoints(stack, proxy);
    await points.takeOneByOne();
    const all = casesOf(await points.discover(), seed);
    const count = Math.min(runs ?? all.length, all.length);
    const some = fc.shuffledSubarray(all, { minLength: count, maxLength: count });
    const [cases = []] = fc.sample(some, { seed, numRuns: 1 });
    const endings = await showStep(`Crash points: ${cases.length} of ${all.length}`, (report) =>
      points.run(cases, report),
    );
    points.close();
    await writeFile(listing, endings.map(lineOf).join(''));
    return [false, true].map((lasting) =>
      proof(
        endings.filter(({ tried }) => tried.lasting === lasting),
        lasting,
      ),
    );
  } finally {
    await proxy.stop();
    await stack.stop();
  }
}

function proof(endings: readonly Ending[], lasting: boolean) {
  const dead = endings.filter(({ deadLetter }) => deadLetter !== undefined);
  const against = endings.filter(({ defects }) => defects.length > 0);
  const reasons = Map.groupBy(dead, ({ deadLetter = '' }) => deadLetter.replace(/:.*/, ''));
  return {
    promise: lasting
      ? 'a fault that stays ends in a dead letter with a reason, or harms nothing; once mended, a redrive repairs all'
      : 'a fault that happens once is overcome, or ends in a dead letter with a reason that a redrive repairs',
    evidence:
      `${endings.length} cases, ${Object.keys(faultKinds).length} faults of ` +
      `${new Set(endings.map(({ tried: { stem, action } }) => `${stem} ${action}`)).size} calls: ` +
      `${endings.length - dead.length} came through, ${dead.length} died (${[...reasons].map(([kind, of]) => `${kind} ${of.length}`).join(', ')}); each in ${shownPath(listing)}`,
    ...(against.length > 0 && {
      against: against.map(({ tried, defects }) => `${nameOf(tried)}: ${defects.join(' ')}`).join('\n'),
    }),
  };
}

function lineOf({ tried, happened, deadLetter, defects }: Ending): string {
  const end = deadLetter === undefined ? 'came through' : `died, ${deadLetter.replaceAll(/\s+/g, ' ').slice(0, 200)}`;
  return `${[nameOf(tried), `${happened} times`, end, ...defects].join('; ')}\n`;
}

function nameOf({ stem, action, story, kind, lasting }: Case): string {
  return `${stem} ${action} ${kind} ${lasting ? 'for good' : 'once'}, of an image ${story}`;
}
