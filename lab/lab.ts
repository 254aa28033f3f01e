/** `npm run lab`: everything that proves or measures the pipeline, one command each. */
import { commandGroup, main } from '../scripts/terminal/command.ts';
import { badReleaseCommand } from './bad-release/bad-release.ts';
import { benchCommand } from './bench/bench.ts';
import { costCommand } from './cost/cost.ts';
import { docsCommand } from './docs.ts';
import { forkCommand } from './fork/fork.ts';
import { recipesCommand } from './fork/recipes.ts';
import { proveCommand } from './prove/prove.ts';
import { scaleCommand } from './scale/scale.ts';

await main(
  commandGroup({
    name: 'npm run lab',
    summary: 'Proofs and measurements of the pipeline. lab/README.md has more.',
    notes: 'Load tests have a separate command: npm run load.',
    commands: [
      badReleaseCommand,
      costCommand,
      scaleCommand,
      benchCommand,
      forkCommand,
      recipesCommand,
      proveCommand,
      docsCommand,
    ],
  }),
);
