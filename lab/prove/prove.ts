/** `npm run lab -- prove`. */
import { Argument } from '@commander-js/extra-typings';
import { command, someOf, wholeNumber } from '../../scripts/terminal/command.ts';
import { describeFailure } from '../../scripts/terminal/failure.ts';
import { printMarkdown } from '../markdown.ts';
import { table } from '../table.ts';
import { proveBackfill } from './backfill.ts';
import { proveBackfillPlan } from './backfill-plan.ts';
import { proveChaos } from './chaos.ts';
import { proveCrashPoints } from './crash-points.ts';
import { proveHostile } from './hostile.ts';
import { proveKilledCommands } from './killed-commands.ts';
import { proveModel } from './model.ts';
import { proveMutation } from './mutation.ts';
import { provePractices } from './practices.ts';
import type { Proof, ProofOptions } from './proof.ts';
import { proveRerender } from './rerender.ts';

type Section = (options: ProofOptions) => Promise<readonly Proof[]>;

const sections: Readonly<Record<string, Section>> = {
  model: proveModel,
  mutation: proveMutation,
  hostile: proveHostile,
  practices: provePractices,
  'crash-points': proveCrashPoints,
  'killed-commands': proveKilledCommands,
  chaos: proveChaos,
  backfill: proveBackfill,
  'backfill-plan': proveBackfillPlan,
  rerender: proveRerender,
};
const names = Object.keys(sections);

const anyNumber = wholeNumber({ from: 0, to: Number.MAX_SAFE_INTEGER });

export const proveCommand = command({
  name: 'prove',
  summary:
    'Proofs that nothing is lost: histories, crash points, killed commands, chaos, backfills, re-renders, hostile files, mutations, removed practices. An hour or more; a few minutes for most sections.',
  syntax: (line) =>
    line
      .addArgument(new Argument('[section...]', `${names.join(', ')} (default: all)`).argParser(someOf(names)))
      .option(
        '--seed <n>',
        'repeat the cases of an earlier run; every result prints its seed. Timing always differs',
        anyNumber,
      )
      .option(
        '--runs <n>',
        'how many histories (model), files of each format and kind (hostile), cases (crash-points, killed-commands), uploads (chaos), pictures (backfill, rerender) or keys (backfill-plan)',
        anyNumber,
      )
      .option('--poison', 'chaos: instead of faults, one of 20 senders floods the stack with hostile files')
      .option(
        '--long',
        'every crash point, every case of killed-commands and 225,000 hostile files, as in the nightly workflow',
      )
      .option('--minutes <n>', 'hostile: how long to draw files of each of two kinds (default: 20)', anyNumber)
      .option('--resume', 'hostile: go on drawing where a run with the same --seed ran out of minutes')
      .option('--markdown', 'print the results as Markdown'),
  run: async ({ arguments: [wanted], options }) => {
    const { seed = Date.now() % 2 ** 31, long = false, poison = false, resume = false, markdown, ...rest } = options;
    return (await prove(wanted ?? [], { seed, long, poison, resume, ...rest }, markdown)) ? 0 : 1;
  },
});

/** Whether everything holds. */
async function prove(
  wanted: readonly string[],
  options: ProofOptions,
  markdown: boolean | undefined,
): Promise<boolean> {
  let held = true;
  for (const [name, section] of Object.entries(sections)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const startedAt = performance.now();
    const proofs = await proofsOf(section, options);
    const took = `${((performance.now() - startedAt) / 1000).toFixed(0)} s`;
    const rows = proofs.map(({ promise, evidence, against }) => [
      promise,
      evidence,
      against === undefined ? 'yes' : '**no**',
    ]);
    const title = `## ${name}: seed ${options.seed}, ${took}, Node ${process.version}`;
    printMarkdown(`${title}\n\n${table(['promise', 'evidence', 'holds'], rows)}\n`, markdown);
    for (const { promise, against } of proofs)
      if (against !== undefined) printMarkdown(`### Against: ${promise}\n\n${against}\n`, markdown);
    held &&= proofs.every(({ against }) => against === undefined);
  }
  return held;
}

/** A section that throws proves nothing, but does not stop the others. */
async function proofsOf(section: Section, options: ProofOptions): Promise<readonly Proof[]> {
  try {
    return await section(options);
  } catch (error) {
    return [{ promise: 'the section runs to its end', evidence: 'none', against: describeFailure(error) }];
  }
}
