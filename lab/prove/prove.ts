/** `npm run lab -- prove [section …]`: runs the evidence of lab/docs/reliability.md again. */
import { parseArgs } from 'node:util';
import { describeFailure, Failure } from '../../scripts/terminal/failure.ts';
import { table } from '../table.ts';
import { proveChaos } from './chaos.ts';
import { proveCrashPoints } from './crash-points.ts';
import { proveHostile } from './hostile.ts';
import { proveModel } from './model.ts';
import { proveMutation } from './mutation.ts';
import { provePractices } from './practices.ts';
import type { Proof, ProofOptions } from './proof.ts';

type Section = (options: ProofOptions) => Promise<readonly Proof[]>;

const sections: Readonly<Record<string, Section>> = {
  model: proveModel,
  mutation: proveMutation,
  hostile: proveHostile,
  practices: provePractices,
  'crash-points': proveCrashPoints,
  chaos: proveChaos,
};

const usage = `npm run lab -- prove [section …] [--seed N] [--runs N] [--long]

  sections   ${Object.keys(sections).join(', ')}; all of them unless named
  --seed     draws the same cases again: it is printed with every result; timing is never the same
  --runs     how many: histories of model, broken files of hostile, cases of crash-points, uploads of chaos
  --long     every crash point, and twice as many broken files: what the nightly workflow runs`;

/** Whether everything holds. */
export async function prove(args: readonly string[]): Promise<boolean> {
  const { values, positionals } = readArguments(args);
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    return true;
  }
  const unknown = positionals.filter((name) => !(name in sections));
  if (unknown.length > 0) throw new Failure(`There is no section ${unknown.join(', ')}.\n\n${usage}`);

  const options = {
    seed: number('seed', values.seed) ?? Date.now() % 2 ** 31,
    runs: number('runs', values.runs),
    long: values.long,
  };
  let held = true;
  for (const [name, section] of Object.entries(sections)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const startedAt = performance.now();
    const proofs = await proofsOf(section, options);
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

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seed: { type: 'string' },
        runs: { type: 'string' },
        long: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new Failure(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  }
}

function number(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(text)) throw new Failure(`--${name} takes a whole number, and "${text}" is none.`);
  return Number(text);
}
