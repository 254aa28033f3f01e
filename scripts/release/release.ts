/** `npm run release`: from a commit to production, one step for each command. The workflows run these. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { S3Client } from '@aws-sdk/client-s3';
import { projectName } from '../../core/names.ts';
import { installSam } from '../local/toolchain.ts';
import { parseTemplateText } from '../template/template.ts';
import { command, commandGroup, main, nonEmpty, path, wholeNumber } from '../terminal/command.ts';
import { describeFailure } from '../terminal/failure.ts';
import { print, printError } from '../terminal/print.ts';
import { showStep } from '../terminal/progress.ts';
import { projectDirectory, shownPath } from '../terminal/project.ts';
import { runAfterRelease } from './after-release.ts';
import { openArtifact, parametersFor, releaseDirectory, stackFor } from './artifact.ts';
import { createChangeSet, runChangeSet, updatedAt } from './change-set.ts';
import { disposable } from './disposable.ts';
import { priceComment } from './price-comment.ts';
import { assertPullRequest, isUnneeded, pullRequestStacks, removeStack } from './pull-request-stacks.ts';
import {
  assertNotReleasedSince,
  assertReviewed,
  assertSameArtifact,
  readReceipt,
  readReviewed,
  writeReceipt,
} from './receipt.ts';
import { review } from './review.ts';

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');
const inDirectory = ['--in <folder>', `the folder of the artifact (default: .${projectName}/release)`] as const;

const buildCommand = command({
  name: 'build',
  summary: 'Builds the artifact once for all stages, with a bill of materials. Needs no AWS account.',
  syntax: (line) =>
    line
      .option('--application <folder>', 'where template.yaml and samconfig.toml are, below the project', nonEmpty, '.')
      .option(...inDirectory, path)
      .option('--emulator', 'the pipeline, for the emulator that npm start runs on this machine'),
  examples: { 'npm run release -- build --application gallery': 'build the gallery' },
  run: async ({ options: { application, in: directory = releaseDirectory, emulator } }) => {
    // Imported here, because the tool that the workflows run with a role in AWS does not contain it.
    const { buildRelease, emulatedPipeline } = await import('./build.ts');
    const source = emulator ? emulatedPipeline() : { application };
    const { commit, sha256 } = await showStep('Build', (report) => buildRelease(directory, source, report));
    print(`${shownPath(directory)}: commit ${commit}, SHA-256 ${sha256}`);
  },
});

interface ChangesOptions {
  readonly stage: string;
  readonly stack?: string | undefined;
  readonly in?: string | undefined;
  readonly after?: string | undefined;
  readonly replace?: readonly string[] | undefined;
  readonly parameters?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly bucket?: string | undefined;
  readonly role?: string | undefined;
  readonly disposable?: true | undefined;
}

const changesCommand = command({
  name: 'changes',
  summary:
    'Makes the change set of a release and shows it. Refuses one that would replace or remove a resource with data: the exit code is 1, and the change set is deleted.',
  syntax: (line) =>
    line
      .requiredOption('--stage <name>', 'its settings in samconfig.toml', nonEmpty)
      .option('--stack <name>', 'another name than in samconfig.toml', nonEmpty)
      .option(...inDirectory, path)
      .option('--after <receipt>', 'refuse unless the stage before runs the same artifact', path)
      .option('--replace <logical ids>', 'allow these resources to be replaced or removed', words)
      .option('--parameters <name=value ...>', 'parameters of the template, in addition to samconfig.toml', words)
      .option('--tags <name=value ...>', 'instead of the tags in samconfig.toml', words)
      .option('--bucket <name>', 'upload the code there, not to the bucket that SAM CLI creates', nonEmpty)
      .option('--role <arn>', 'the role that CloudFormation uses, instead of your permissions', nonEmpty)
      .option('--disposable', 'deleting the stack deletes its data too: for the stack of a pull request'),
  examples: {
    'npm run release -- changes --stage dev': 'what a release of the artifact would change in stage dev',
  },
  run: ({ options }) => showChanges(options),
});

async function showChanges(options: ChangesOptions): Promise<void> {
  const { stage, in: directory = releaseDirectory, replace = [] } = options;
  const artifact = await openArtifact(directory);
  const config = await readFile(artifact.config, 'utf8');
  const stack = options.stack ?? stackFor(config, stage);
  if (options.after !== undefined) assertSameArtifact(await readReceipt(options.after), artifact.sha256);
  if (options.disposable) {
    assertPullRequest(stack);
    const template = parseTemplateText(await readFile(artifact.template, 'utf8'));
    await writeFile(artifact.template, JSON.stringify(disposable(template)));
  }
  const parameters = parametersFor(config, stage, options.parameters ?? []);
  const sam = await installSam(() => undefined);
  const client = new CloudFormationClient();
  try {
    const changeSet = await showStep(`Change set for ${stack}`, () =>
      createChangeSet(sam, {
        ...{ artifact, stage, stack, parameters, tags: options.tags ?? [] },
        ...{ bucket: options.bucket, role: options.role },
      }),
    );
    await review(client, { stack, artifact, changeSet, replace, directory });
  } finally {
    client.destroy();
  }
}

const deployCommand = command({
  name: 'deploy',
  summary:
    'Runs the change set that `changes` made, to the end of the release or of its rollback, and then what the application does after it.',
  syntax: (line) => line.requiredOption('--stack <name>', 'the stack', nonEmpty).option(...inDirectory, path),
  notes: 'A release of stage prod takes up to fifty minutes: see docs/releases.md.',
  run: async ({ options: { stack, in: directory = releaseDirectory } }) => {
    const reviewed = await readReviewed(directory, stack);
    const artifact = await openArtifact(directory);
    assertReviewed(reviewed, artifact.sha256);
    const { changeSet } = reviewed;
    const client = new CloudFormationClient();
    try {
      if (changeSet === undefined) print(`${stack} already is as the artifact wants it.`);
      else await showStep(`Release ${stack}`, (report) => runChangeSet(client, { stack, changeSet }, report));
      await runAfterRelease(artifact, stack);
      await writeReceipt(directory, { ...reviewed, releasedAt: await updatedAt(client, stack) });
    } finally {
      client.destroy();
    }
  },
});

const confirmCommand = command({
  name: 'confirm',
  summary: 'After a verification: refuses if the stack was released again since the receipt.',
  syntax: (line) => line.argument('<receipt>', 'the file that deploy wrote', path),
  run: async ({ arguments: [file] }) => {
    const receipt = await readReceipt(file);
    const client = new CloudFormationClient();
    try {
      assertNotReleasedSince(receipt, await updatedAt(client, receipt.stack));
      print(`${receipt.stack} still runs what was released at ${receipt.releasedAt}.`);
    } finally {
      client.destroy();
    }
  },
});

const removeCommand = command({
  name: 'remove',
  summary: 'Deletes the stack of a pull request, with its images. Refuses any other stack.',
  syntax: (line) => line.requiredOption('--stack <name>', `${projectName}-pr-NUMBER`, nonEmpty),
  run: ({ options: { stack } }) =>
    withClients((clients) => showStep(`Remove ${stack}`, (report) => removeStack(clients, stack, report))),
});

const sweepCommand = command({
  name: 'sweep',
  summary: 'Removes the stacks of pull requests that are closed, or that have had no push for a while.',
  syntax: (line) =>
    line
      .requiredOption('--open <numbers>', 'the open pull requests, separated by commas; "" for none', numbersIn)
      .option(
        '--idle-hours <n>',
        'remove a stack that has not changed for this long',
        wholeNumber({ from: 1, to: 8760 }),
        72,
      ),
  run: ({ options: { open, idleHours } }) =>
    withClients(async (clients) => {
      const found = await pullRequestStacks(clients.cloudFormation);
      const unneeded = found.filter((stack) => isUnneeded(stack, { open, idleHours, now: new Date() }));
      print(`${found.length} stacks of pull requests, of which ${unneeded.length} are not needed.`);
      let failed = 0;
      for (const { name } of unneeded) {
        try {
          await showStep(`Remove ${name}`, (report) => removeStack(clients, name, report));
        } catch (error) {
          failed += 1;
          printError(describeFailure(error));
        }
      }
      return failed === 0 ? 0 : 1;
    }),
});

function numbersIn(text: string): number[] {
  const numbers = text.split(',').filter((part) => part.trim() !== '');
  return numbers.map((part) => wholeNumber({ from: 1, to: Number.MAX_SAFE_INTEGER })(part.trim()));
}

async function withClients<Result>(
  work: (clients: { readonly cloudFormation: CloudFormationClient; readonly s3: S3Client }) => Promise<Result>,
): Promise<Result> {
  const clients = { cloudFormation: new CloudFormationClient(), s3: new S3Client() };
  try {
    return await work(clients);
  } finally {
    clients.cloudFormation.destroy();
    clients.s3.destroy();
  }
}

const commentCommand = command({
  name: 'comment',
  summary: 'Prints the comment on a pull request, as Markdown: what its stack changed, and what the change costs.',
  syntax: (line) =>
    line
      .requiredOption('--stack <name>', `${projectName}-pr-NUMBER`, nonEmpty)
      .requiredOption('--base <file>', 'README.md of the branch to merge into', path)
      .option(...inDirectory, path),
  run: async ({ options: { stack, base, in: directory = releaseDirectory } }) => {
    const changes = await readFile(join(directory, `changes-${stack}.md`), 'utf8');
    const prices = priceComment(
      await readFile(base, 'utf8'),
      await readFile(join(projectDirectory, 'README.md'), 'utf8'),
    );
    print(`${changes}\n${prices}`);
  },
});

const rehearseCommand = command({
  name: 'rehearse',
  summary:
    'The whole way on the emulator, with these commands: build, dev, verify, prod, and the stack of a pull request. Takes a few minutes.',
  syntax: (line) => line,
  run: async () => {
    const { rehearseOnEmulator } = await import('./rehearse.ts');
    return await rehearseOnEmulator();
  },
});

export const releaseCommand = commandGroup({
  name: 'npm run release',
  summary: 'From a commit to production: docs/releases.md has the picture.',
  commands: [
    ...[buildCommand, changesCommand, deployCommand, confirmCommand],
    ...[removeCommand, sweepCommand, commentCommand, rehearseCommand],
  ],
});

if (import.meta.main) await main(releaseCommand);
