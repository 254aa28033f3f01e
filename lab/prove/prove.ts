/** `npm run lab -- prove [section …]`: runs the evidence of lab/docs/reliability.md again. */
import { command, someOf, wholeNumber } from '../../scripts/terminal/command.ts';
import { describeFailure } from '../../scripts/terminal/failure.ts';
import { table } from '../table.ts';
import { proveChaos } from './chaos.ts';
import { proveCrashPoints } from './crash-points.ts';
import { proveHostile } from './hostile.ts';
import { proveModel } from './model.ts';
import { proveMutation } from './mutation.ts';
import { provePractices } from './practices.ts';
import type { Proof, ProofOptions } from './proof.ts';

type Section = (options: ProofOptions) => Promise<readonly Proof[]>;

const sections = {
  model: proveModel,
  mutation: proveMutation,
  hostile: proveHostile,
  practices: provePractices,
  'crash-points': proveCrashPoints,
  chaos: proveChaos,
} satisfies Readonly<Record<string, Section>>;
type SectionName = keyof typeof sections;
const sectionNames = Object.keys(sections) as SectionName[];

const number = wholeNumber({ from: 0, to: 9_999_999_999 });

export const proveCommand = command({
  name: 'prove',
  summary:
    'That nothing is lost: histories, crash points, chaos, hostile files, mutations, removed practices. 30 minutes, a few for one section.',
  syntax: (line) =>
    line
      .argument('[sections...]', sectionNames.join(', '), someOf(sectionNames))
      .option(
        '--seed <n>',
        'draw the same cases again: it is printed with every result; timing is never the same',
        number,
      )
      .option('--runs <n>', 'how many histories, broken files, crash points or uploads', number)
      .option('--long', 'every crash point, and twice as many broken files: what the nightly workflow runs'),
  run: async ({ arguments: [asked = sectionNames], options: { seed = Date.now() % 2 ** 31, runs, long = false } }) =>
    (await prove(asked, { seed, runs, long })) ? 0 : 1,
});

/** Returns whether everything holds. */
async function prove(asked: readonly SectionName[], options: ProofOptions): Promise<boolean> {
  let held = true;
  for (const name of sectionNames.filter((one) => asked.includes(one))) {
    const startedAt = performance.now();
    const proofs = await proofsOf(sections[name], options);
    const took = `${((performance.now() - startedAt) / 1000).toFixed(0)} s`;
    const rows = proofs.map(({ promise, evidence, against }) => [
      promise,
      evidence,
      against === undefined ? 'yes' : '**no**',
    ]);
    console.log(`## ${name}: seed ${options.seed}, ${took}, Node ${process.version}\n`);
    console.log(`${table(['promise', 'evidence', 'holds'], rows)}\n`);
    for (const { promise, against } of proofs)
      if (against !== undefined) console.log(`### Against: ${promise}\n\n${against}\n`);
    held &&= proofs.every(({ against }) => against === undefined);
  }
  return held;
}

/** What throws proves nothing, and keeps no other section from its turn. */
async function proofsOf(section: Section, options: ProofOptions): Promise<readonly Proof[]> {
  try {
    return await section(options);
  } catch (error) {
    return [{ promise: 'it comes to its end', evidence: 'none', against: describeFailure(error) }];
  }
}
