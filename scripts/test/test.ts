/** `npm test`: Vitest, with a short help page. */
import { globSync } from 'node:fs';
import { basename, isAbsolute, join, normalize } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { command, parse } from '../terminal/command.ts';
import { printError } from '../terminal/print.ts';
import { projectDirectory } from '../terminal/project.ts';

const testCommand = command({
  name: 'npm test',
  summary: 'Runs the tests with Vitest: unit and picture tests, then the pipeline tests, which start an AWS emulator.',
  syntax: (line) =>
    line
      .argument('[arguments...]', 'names of test files, and Vitest options')
      .passThroughOptions()
      .allowUnknownOption(),
  examples: {
    'npm run test:unit': 'unit tests only',
    'npm test -- --project pictures': 'picture tests only, which decode thousands of files',
    'npm run test:changed': 'unit and picture tests that your uncommitted changes affect',
    'npm run test:changed -- main': 'those that your changes since main affect',
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
const { parseCLI } = await import('vitest/node');
const { filter, options } = parseCLI(['vitest', 'run', ...args], { allowUnknownOptions: true });
const elsewhere = options.root ?? options.dir ?? options.config;
const unknown = elsewhere === undefined ? filter.filter((name) => !isTestFile(name)) : [];
if (unknown.length > 0) stop(`No test file has ${unknown.join(' or ')} in its path.`);
const changedReporter = fileURLToPath(new URL('./changed-reporter.ts', import.meta.url));
const reporter = args.includes('--changed') ? ['--reporter', changedReporter] : [];
process.argv.splice(2, args.length, 'run', ...reporter, ...args);
try {
  await import(pathToFileURL(join(projectDirectory, 'node_modules', 'vitest', 'vitest.mjs')).href);
} catch (error) {
  // Vitest's parser of the command line, which names options in camel case.
  if (!(error instanceof Error && error.name === 'CACError')) throw error;
  const message = error.message.replaceAll('`', '').replace(/(?<=--\w*)[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  stop(`${message.replace(/^./, (letter) => letter.toUpperCase())}.`);
}

/** As Vitest does: by any part of the path, which may end with a line number. */
function isTestFile(name: string): boolean {
  const part = normalize(name.replace(/:\d+$/, ''));
  // A fork may have tests in folders of its own.
  const files = globSync('**/*.test.ts', {
    cwd: projectDirectory,
    exclude: (path) => /^(node_modules|\..+)$/.test(basename(path)),
  });
  return files.some((file) => (isAbsolute(part) ? join(projectDirectory, file) : file).includes(part));
}

function stop(sentence: string): never {
  printError(sentence, 'For help: npm test -- --help');
  process.exit(1);
}
