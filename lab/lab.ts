/** `npm run lab`: everything that proves or measures the pipeline, one command each. */
import { type CommandLine, command, commandGroup, main } from '../scripts/terminal/command.ts';

interface Experiment {
  readonly shows: string;
  readonly takes: string;
  /** Loaded when asked for, because some bring the emulator's tools or a whole mutation tester. */
  readonly load: () => Promise<CommandLine>;
}

const experiments: Readonly<Record<string, Experiment>> = {
  'bad-release': {
    shows: 'a bad release on your machine, refused or rolled back without losing an image',
    takes: '40 s; the first run installs the emulator',
    load: async () => (await import('./bad-release/bad-release.ts')).badReleaseCommand,
  },
  cost: {
    shows: 'the price of a million images, by service, image mix and practice; and of an idle month',
    takes: '2 s',
    load: async () => (await import('./cost/cost.ts')).costCommand,
  },
  scale: {
    shows: 'which limit is reached first, from 1 to 10,000 images a second, and how long a burst takes to drain',
    takes: '2 s',
    load: async () => (await import('./scale/scale.ts')).scaleCommand,
  },
  bench: {
    shows: 'speed, package size, memory and image quality, also compared with other libraries',
    takes: 'a few minutes; memory, peers and quality run only by name',
    load: async () => (await import('./bench/bench.ts')).benchCommand,
  },
  prove: {
    shows: 'that nothing is lost: histories, crash points, chaos, hostile files, mutations, removed practices',
    takes: '30 minutes, or a few for one section',
    load: async () => (await import('./prove/prove.ts')).proveCommand,
  },
  docs: {
    shows: 'writes the cost and scale tables of lab/docs anew; part of npm run docs',
    takes: '3 s',
    load: async () => (await import('./docs.ts')).docsCommand,
  },
};

// The others are only listed.
const [asked] = process.argv.slice(2);
const commands = Object.entries(experiments).map(([name, { shows, takes, load }]) =>
  name === asked
    ? load()
    : command({ name, summary: `${shows} (${takes})`, syntax: (line) => line, run: async () => undefined }),
);
await main(
  commandGroup({
    name: 'npm run lab',
    summary: 'What is proved and measured about this pipeline. lab/README.md has more.',
    notes: 'Load tests are apart: npm run load.',
    commands: await Promise.all(commands),
  }),
);
