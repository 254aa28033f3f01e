/** `npm run check`: everything that CI runs. All of it runs, whatever fails, and the exit code tells. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describeFailure } from './failure.ts';
import { type Environment, isolatedEnvironment } from './isolated-environment.ts';
import { showCursor, showStep } from './progress.ts';
import { logDirectory, projectDirectory } from './project.ts';
import { endRunningCommands, runCommand } from './run-command.ts';
import { onceStopped } from './stop-on-signals.ts';
import { installLinters, installSam } from './toolchain.ts';

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const deployedAndTested = [
  'adapters',
  'core',
  'functions',
  'load-tests/processor.ts',
  'scripts',
  'test',
  'vitest.config.ts',
];

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

await runCheck({ name: 'Types', command: ['tsc', '--noEmit'] });
await runCheck({
  name: 'Lint and format',
  command: ['biome', 'ci', '--error-on-warnings', `--colors=${process.stdout.isTTY ? 'force' : 'off'}`],
});
await runCheck({ name: 'Dependency rule', command: ['depcruise', ...deployedAndTested] });
const sam = await showStep('SAM CLI', installSam).catch((error: unknown) => {
  process.stderr.write(`${describeFailure(error)}\n`);
  failed.push('Template');
});
if (sam !== undefined) {
  await runCheck({ name: 'Template', command: [sam, 'validate', '--lint', '--template-file', 'template.yaml'] });
}
const linters = await showStep('Linters', installLinters).catch((error: unknown) => {
  process.stderr.write(`${describeFailure(error)}\n`);
  failed.push('Linters');
});
if (linters !== undefined) {
  await runCheck({ name: 'Translated template', command: ['node', 'scripts/scan-template.ts', linters] });
  await runCheck({
    name: 'Workflows',
    command: [join(linters, 'zizmor'), '--offline', '--no-progress', '--persona=pedantic', '.github'],
  });
}
await runCheck({ name: 'Secrets', command: ['secretlint', '**/*'] });
if (!(await testsPass())) failed.push('Tests');

const took = `${((performance.now() - startedAt) / 1000).toFixed(0)} s`;
process.stdout.write(
  failed.length === 0 ? `All checks passed in ${took}.\n` : `Failed: ${failed.join(', ')} (${took}).\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

/** A check's output is only of interest when it fails. */
async function runCheck({ name, command: [command, ...args] }: Check): Promise<void> {
  const log = join(logDirectory, `check-${name.toLowerCase().replaceAll(' ', '-')}.log`);
  let output = '';
  try {
    await showStep(name, async () => {
      const result = await runCommand({ command, args, directory: projectDirectory, environment, log });
      output = result.output;
      if (!result.succeeded) throw new Error(name);
    });
  } catch {
    process.stderr.write(`${output}\n`);
    failed.push(name);
  }
}

/** Shown as they run. */
function testsPass(): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  tests = spawn('vitest', ['run'], { cwd: projectDirectory, env: environment, stdio: 'inherit' });
  tests.once('error', () => resolve(false));
  tests.once('close', (code) => resolve(code === 0));
  return promise;
}
