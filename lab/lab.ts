/** `npm run lab`: everything that proves or measures the pipeline, one command each. */
import { describeFailure, Failure } from '../scripts/terminal/failure.ts';

interface Experiment {
  readonly shows: string;
  readonly takes: string;
  /** Answers whether what it shows holds; figures hold whatever they are. */
  readonly run: (args: readonly string[]) => Promise<boolean>;
}

/** Loaded when asked for, because some bring the emulator's tools or a whole mutation tester. */
const experiments: Readonly<Record<string, Experiment>> = {
  'bad-release': {
    shows: 'a bad release on your machine, refused or rolled back without losing an image',
    takes: '40 s; the first run installs the emulator',
    run: async (args) => (await import('./bad-release/bad-release.ts')).badRelease(args),
  },
  cost: {
    shows: 'the price of a million images, by service, image mix and practice; and of an idle month',
    takes: '2 s',
    run: async (args) => {
      await (await import('./cost/cost.ts')).cost(args);
      return true;
    },
  },
  scale: {
    shows: 'which limit is reached first, from 1 to 10,000 images a second, and how long a burst takes to drain',
    takes: '2 s',
    run: async (args) => {
      (await import('./scale/scale.ts')).scale(args);
      return true;
    },
  },
  bench: {
    shows: 'speed, package size, memory and image quality, also compared with other libraries',
    takes: 'a few minutes; memory, peers and quality are run only by name',
    run: async (args) => {
      await (await import('./bench/bench.ts')).bench(args);
      return true;
    },
  },
  fork: {
    shows:
      'that a fork may change its presets: five variants, and the one test that asks whether names changed on purpose',
    takes: '3 minutes for each variant',
    run: async (args) => (await import('./fork/fork.ts')).fork(args),
  },
  prove: {
    shows: 'that nothing is lost: histories, crash points, chaos, hostile files, mutations, removed practices',
    takes: '30 minutes, or a few for one section',
    run: async (args) => (await import('./prove/prove.ts')).prove(args),
  },
};

const help = `What is proved and measured about this pipeline. lab/README.md has more.

${Object.entries(experiments)
  .map(([name, { shows, takes }]) => `  npm run lab -- ${name}\n      ${shows}\n      takes ${takes}\n`)
  .join('\n')}
Each has --help. Load tests are apart: npm run load.
`;

const [name, ...args] = process.argv.slice(2);
if (name === undefined || name === '--help' || name === '-h') {
  process.stdout.write(help);
} else {
  try {
    const experiment = Object.hasOwn(experiments, name) ? experiments[name] : undefined;
    if (experiment === undefined) {
      throw new Failure(`There is no ${JSON.stringify(name)} in the lab: take ${Object.keys(experiments).join(', ')}.`);
    }
    const holds = await experiment.run(args);
    process.exitCode ??= holds ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exitCode = 1;
  }
}
