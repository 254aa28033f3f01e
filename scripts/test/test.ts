/** `npm test`: Vitest, with a short help page. */
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { command, parse } from '../terminal/command.ts';
import { projectDirectory } from '../terminal/project.ts';

const testCommand = command({
  name: 'npm test',
  summary: 'Runs the tests with Vitest: unit tests, then the pipeline tests, which start an AWS emulator.',
  syntax: (line) =>
    line
      .argument('[arguments...]', 'names of test files, and Vitest options')
      .passThroughOptions()
      .allowUnknownOption(),
  examples: {
    'npm run test:unit': 'unit tests only',
    'npm run test:changed': 'unit tests that your uncommitted changes affect',
    'npm run test:changed -- main': 'unit tests that your changes since main affect',
    'npm test -- resize-image': 'the test files whose path contains resize-image',
    'npm test -- --watch --project unit FILE': 'run again whenever a file changes',
    'npm test -- -t "keeps the orientation"': 'the tests with that name',
  },
  notes: 'For all Vitest options: npx vitest --help',
  run: async () => undefined,
});

const args = process.argv.slice(2);
const parsed = parse(testCommand, args, {
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
});
if (typeof parsed === 'number') process.exit(parsed);
const changedReporter = fileURLToPath(new URL('./changed-reporter.ts', import.meta.url));
const reporter = args.includes('--changed') ? ['--reporter', changedReporter] : [];
process.argv.splice(2, args.length, 'run', ...reporter, ...args);
await import(pathToFileURL(join(projectDirectory, 'node_modules', 'vitest', 'vitest.mjs')).href);
