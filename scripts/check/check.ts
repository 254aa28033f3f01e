/**
 * `npm run check`: everything that CI runs. All of it runs, whatever fails, and the exit code tells. `--no-pipeline` leaves
 * out the tests that need the emulator.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Environment, isolatedEnvironment } from '../local/isolated-environment.ts';
import { installLinters, installToolchain } from '../local/toolchain.ts';
import { describeFailure } from '../terminal/failure.ts';
import { showCursor, showStep } from '../terminal/progress.ts';
import { logDirectory, projectDirectory } from '../terminal/project.ts';
import { endRunningCommands, runCommand } from '../terminal/run-command.ts';
import { onceStopped } from '../terminal/stop-on-signals.ts';

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

/** Answers what it found, if it found something. */
type Look = () => Promise<string | undefined>;

interface Scan {
  readonly name: string;
  readonly seconds: number;
  readonly failure: string | undefined;
}

// A fork may have deleted lab and load-tests.
const deployedAndTested = [
  ...['adapters', 'core', 'functions', 'scripts', 'test', 'vitest.config.ts'],
  ...['lab', 'load-tests'].filter((folder) => existsSync(join(projectDirectory, folder))),
];

const withoutPipeline = process.argv.includes('--no-pipeline');
const failed: string[] = [];
const startedAt = performance.now();
const environment: Environment = { ...isolatedEnvironment(), ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) };
let tests: ReturnType<typeof spawn> | undefined;

onceStopped((exitCode) => {
  endRunningCommands();
  tests?.kill('SIGTERM');
  showCursor();
  process.exit(exitCode);
});

// Minutes of installing and scanning, most of them waiting: beside all the rest, and told at its end.
const toolchain = installToolchain(() => undefined);
const linters = installLinters(() => undefined);
const scanned = scans();
await runCheck({ name: 'Types', command: ['tsc', '--noEmit'] });
await runCheck({
  name: 'Lint and format',
  command: ['biome', 'ci', '--error-on-warnings', `--colors=${process.stdout.isTTY ? 'force' : 'off'}`],
});
await runCheck({ name: 'Dependency rule', command: ['depcruise', ...deployedAndTested] });
await runCheck({ name: 'Unused code and packages', command: ['knip'] });
await runCheck({ name: 'Secrets', command: ['secretlint', '**/*'] });
// Before the tests, which would install them too: two at once would be in each other's way.
await run('Tools: MiniStack, SAM CLI and linters', () =>
  Promise.all([toolchain, linters]).then(() => undefined, describeFailure),
);
if (!(await testsPass())) failed.push('Tests');
for (const { name, seconds, failure } of await scanned) {
  process.stdout.write(`${failure === undefined ? '✔' : '✖'} ${name} [${seconds.toFixed(0)}s, beside the tests]\n`);
  if (failure !== undefined) tell(name, failure);
}

const took = `${((performance.now() - startedAt) / 1000).toFixed(0)} s`;
process.stdout.write(
  failed.length === 0 ? `All checks passed in ${took}.\n` : `Failed: ${failed.join(', ')} (${took}).\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

function runCheck(check: Check): Promise<void> {
  return run(check.name, () => failureOf(check));
}

async function run(name: string, look: Look): Promise<void> {
  const failure = await showStep(name, async () => {
    const found = await look();
    if (found !== undefined) throw new Error(found);
  }).catch(({ message }: Error) => message);
  if (failure !== undefined) tell(name, failure);
}

/** A check's output is only of interest when it fails. */
function tell(name: string, failure: string): void {
  process.stderr.write(`${failure}\n`);
  failed.push(name);
}

async function failureOf({ name, command: [command, ...args] }: Check): Promise<string | undefined> {
  const log = join(logDirectory, `check-${name.toLowerCase().replaceAll(' ', '-')}.log`);
  const { succeeded, output } = await runCommand({ command, args, directory: projectDirectory, environment, log });
  return succeeded ? undefined : output || `${command} failed and said nothing.`;
}

async function scans(): Promise<Scan[]> {
  const template = toolchain.then(
    ({ sam }) => scan({ name: 'Template', command: [sam, 'validate', '--lint', '--template-file', 'template.yaml'] }),
    () => [],
  );
  const translated = linters.then(
    (directory) =>
      scan(
        { name: 'Translated template', command: ['node', 'scripts/template/scan-template.ts', directory] },
        {
          name: 'Workflows',
          command: [join(directory, 'zizmor'), '--offline', '--no-progress', '--persona=pedantic', '.github'],
        },
      ),
    () => [],
  );
  return [...(await template), ...(await translated)];
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

/** Shown as they run. */
function testsPass(): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const project = withoutPipeline ? ['--project', 'unit'] : [];
  tests = spawn('vitest', ['run', ...project], { cwd: projectDirectory, env: environment, stdio: 'inherit' });
  tests.once('error', () => resolve(false));
  tests.once('close', (code) => resolve(code === 0));
  return promise;
}
