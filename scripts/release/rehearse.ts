/** A release from commit to production on the emulator, with the commands that the workflows run. */
import { basename, join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { projectName } from '../../core/names.ts';
import { clientConfig, startEmulator } from '../local/emulator.ts';
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
    const bucket = `${projectName}-artifacts`;
    const s3 = new S3Client({ ...clientConfig(emulator), forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    s3.destroy();
    await rehearse({ environment: emulator.environment, bucket, step: showStep });
    print('The release went from the commit to production.');
  } finally {
    await emulator.stop();
  }
}

interface Rehearsal {
  /** Of the emulator, for child processes. */
  readonly environment: NodeJS.ProcessEnv;
  /** For the code, in place of ArtifactBucket in governance/deploy-role.yaml. */
  readonly bucket: string;
  readonly step: Step;
}

export async function rehearse({ environment, bucket, step }: Rehearsal): Promise<void> {
  const { dev, prod, pullRequest } = rehearsedStacks;
  const release = commandWith(environment, join(projectDirectory, 'scripts', 'release', 'release.ts'));
  // As in a workflow: after the build, only what the build made is used.
  const tool = commandWith(environment, join(directory, toolFile));
  const here = ['--in', directory] as const;
  // The emulator has the stages' parameters from the build: the stages differ by their stacks only.
  const how = ['--stage', 'local', '--bucket', bucket, '--role', 'arn:aws:iam::000000000000:role/deploy'] as const;

  await step('Build once', () => release('build', '--emulator', ...here));
  await step(`Changes to ${dev}`, () => tool('changes', ...how, '--stack', dev, ...here));
  await step(`Deploy ${dev}`, () => tool('deploy', '--stack', dev, ...here));
  await step(`Verify ${dev}`, () => verify(environment, dev));
  await step(`Confirm ${dev}`, () => tool('confirm', join(directory, `receipt-${dev}.json`)));
  const verified = ['--after', join(directory, `receipt-${dev}.json`)];
  await step(`Changes to ${prod}`, () => tool('changes', ...how, '--stack', prod, ...verified, ...here));
  await step(`Deploy ${prod}`, () => tool('deploy', '--stack', prod, ...here));
  await step(`Stack ${pullRequest}`, async () => {
    await tool('changes', ...how, '--stack', pullRequest, '--disposable', ...here);
    await tool('deploy', '--stack', pullRequest, ...here);
  });
  await step(`Smoke test of ${pullRequest}, and its comment`, async () => {
    await processOne(environment, pullRequest);
    await release('comment', '--stack', pullRequest, '--base', join(projectDirectory, 'README.md'), ...here);
  });
  await step('Sweep', () => tool('sweep', '--open', ''));
}

async function verify(environment: NodeJS.ProcessEnv, stack: string): Promise<void> {
  const run = commandWith(environment, join(projectDirectory, 'scripts', 'verify', 'verify.ts'));
  // Its five attempts take ten minutes; test/pipeline/verify.test.ts shortens them.
  await run('--stack', stack, '--yes', '--except', 'dead-letter');
}

/** A photograph goes through the stack. */
async function processOne(environment: NodeJS.ProcessEnv, stack: string): Promise<void> {
  const start = commandWith(environment, join(projectDirectory, 'scripts', 'start', 'start.ts'));
  await start('--stack', stack, join(projectDirectory, 'docs', 'samples', 'rocket.jpg'));
}

function commandWith(environment: NodeJS.ProcessEnv, script: string) {
  return async (...args: readonly string[]): Promise<void> => {
    const log = join(logDirectory, `rehearsal-${basename(script, '.ts')}-${args[0] ?? ''}.log`);
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
