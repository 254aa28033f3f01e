/** A release from commit to production on the emulator, with the commands that the workflows run. */
import { join } from 'node:path';
import { projectName } from '../../core/names.ts';
import { startEmulator } from '../local/emulator.ts';
import { installToolchain } from '../local/toolchain.ts';
import { Failure } from '../terminal/failure.ts';
import { print } from '../terminal/print.ts';
import { type Step, showStep } from '../terminal/progress.ts';
import { logDirectory, projectDirectory, workDirectory } from '../terminal/project.ts';
import { runCommand } from '../terminal/run-command.ts';
import { toolFile } from './artifact.ts';

// Two levels below the project, as the folder to which the workflows download the artifact.
const directory = join(workDirectory, 'rehearsal');

export const rehearsedStacks = {
  dev: `${projectName}-dev`,
  prod: `${projectName}-prod`,
  pullRequest: `${projectName}-pr-1`,
} as const;

export async function rehearseOnEmulator(): Promise<void> {
  const { ministack } = await showStep('Tools: MiniStack and SAM CLI', installToolchain);
  const emulator = await showStep('Emulator', () => startEmulator({ ministack, port: 0 }));
  try {
    await rehearse(emulator.environment, showStep);
    print('The release went from the commit to production.');
  } finally {
    await emulator.stop();
  }
}

/** @param environment of the emulator, for child processes */
export async function rehearse(environment: NodeJS.ProcessEnv, step: Step): Promise<void> {
  const { dev, prod, pullRequest } = rehearsedStacks;
  const release = commandWith(environment, join(projectDirectory, 'scripts', 'release', 'release.ts'));
  // As in a workflow: after the build, only what the build made is used.
  const tool = commandWith(environment, join(directory, toolFile));
  const here = ['--in', directory] as const;
  // The emulator has the stages' parameters from the build: the stages differ by their stacks only.
  const stage = ['--stage', 'local'] as const;

  await step('Build once', () => release('build', '--emulator', ...here));
  await step(`Changes to ${dev}`, () => tool('changes', ...stage, '--stack', dev, ...here));
  await step(`Deploy ${dev}`, () => tool('deploy', '--stack', dev, ...here));
  await step(`Verify ${dev}`, () => verify(environment, dev));
  const verified = ['--after', join(directory, `receipt-${dev}.json`)];
  await step(`Changes to ${prod}`, () => tool('changes', ...stage, '--stack', prod, ...verified, ...here));
  await step(`Deploy ${prod}`, () => tool('deploy', '--stack', prod, ...here));
  await step(`Stack ${pullRequest}`, async () => {
    await tool('changes', ...stage, '--stack', pullRequest, '--disposable', ...here);
    await tool('deploy', '--stack', pullRequest, ...here);
    await release('comment', '--stack', pullRequest, '--base', join(projectDirectory, 'README.md'), ...here);
  });
  await step('Sweep', () => tool('sweep', '--open', ''));
}

/** What the workflow's job `verify` does, with the only checks that the emulator can serve: a photograph goes through. */
async function verify(environment: NodeJS.ProcessEnv, stack: string): Promise<void> {
  const start = commandWith(environment, join(projectDirectory, 'scripts', 'start', 'start.ts'));
  await start('--stack', stack, join(projectDirectory, 'docs', 'samples', 'rocket.jpg'));
}

function commandWith(environment: NodeJS.ProcessEnv, script: string) {
  return async (...args: readonly string[]): Promise<void> => {
    const log = join(logDirectory, `rehearsal-${args[0] ?? ''}.log`);
    const { succeeded, output } = await runCommand({
      command: process.execPath,
      args: [script, ...args],
      directory: projectDirectory,
      environment,
      log,
    });
    if (!succeeded) throw new Failure(`${args.join(' ')} failed:\n${output.trim()}`);
  };
}
