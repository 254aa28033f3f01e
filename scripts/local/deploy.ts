/** Runs `sam build` and `sam deploy` for a template, stage local, against the emulator. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { glob, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { familySync } from 'detect-libc';
import { parseDocument } from 'yaml';
import { projectName } from '../../core/names.ts';
import { Failure } from '../terminal/failure.ts';
import type { Report } from '../terminal/progress.ts';
import { logDirectory, projectDirectory, shownPath, workDirectory } from '../terminal/project.ts';
import { runCommand } from '../terminal/run-command.ts';
import type { EmulatorAddress } from './emulator.ts';
import { isolatedEnvironment } from './isolated-environment.ts';

export const stackName = `${projectName}-local`;

/** A local stack adopts a bucket, so that `npm run backfill` can be tried. */
export const adoptedBucketName = `${stackName}-adopted`;

/** What is deployed as one stack. */
export interface Application {
  /** In `.darkroom`. */
  readonly buildFolder: string;
  /** Below the project's directory: where template.yaml and samconfig.toml are. */
  readonly directory: string;
  /** Everything that `sam build` reads. Other files, such as tests, do not affect the deployment. */
  readonly inputs: readonly string[];
  /** Override those in samconfig.toml, which cannot know this machine. */
  readonly parameters: readonly string[];
}

export const pipeline = (): Application => ({
  buildFolder: 'build',
  directory: '.',
  inputs: [
    'template.yaml',
    'samconfig.toml',
    'package-lock.json',
    'tsconfig.json',
    '{adapters,core,functions,statemachine}/**/*',
    'layers/*/{package.json,package-lock.json,.npmrc}',
  ],
  parameters: parameters(),
});
const keptBuilds = 3;

/** Caches each build by the content of its inputs, so that tests and `npm start` share one only if it is the same. */
export async function build(
  sam: string,
  report: Report,
  platform: LayerPlatform = currentPlatform(),
  application: Application = pipeline(),
): Promise<string> {
  const inputs = await readBuildInputs(application);
  const root = join(workDirectory, application.buildFolder);
  const directory = join(root, await buildKey(platform, inputs, application));
  const template = join(directory, 'template.yaml');
  if (existsSync(template)) {
    const now = new Date();
    await utimes(directory, now, now);
    return template;
  }
  report('sam build');
  const part = `${directory}.${process.pid}`;
  const log = join(logDirectory, `sam-${application.buildFolder}.log`);
  const built = await runCommand({
    command: sam,
    args: [
      'build',
      ...['--config-env', 'local', '--template-file', join(projectDirectory, application.directory, 'template.yaml')],
      ...['--build-dir', part, '--parameter-overrides', ...application.parameters],
    ],
    directory: projectDirectory,
    environment: { ...isolatedEnvironment(), ...platform },
    log,
  });
  if (!built.succeeded) {
    await rm(part, { recursive: true, force: true });
    throw samFailure('sam build', built.output, log);
  }
  await defaultToThisStage(join(part, 'template.yaml'));
  await moveIntoPlace(part, directory);
  await removeOldBuilds(root);
  return template;
}

export async function deploy(
  sam: string,
  template: string,
  emulator: EmulatorAddress,
  report: Report,
  application: Application = pipeline(),
): Promise<void> {
  report('sam deploy');
  const log = join(logDirectory, `sam-deploy-${application.buildFolder}.log`);
  const deployed = await runCommand({
    command: sam,
    args: [
      'deploy',
      ...['--config-env', 'local', '--config-file', join(projectDirectory, application.directory, 'samconfig.toml')],
      ...['--template-file', template, '--use-json', '--no-progressbar'],
      ...['--parameter-overrides', ...application.parameters],
    ],
    directory: projectDirectory,
    environment: emulator.environment,
    log,
  });
  if (!deployed.succeeded) throw samFailure('sam deploy', deployed.output, log);
}

export function parameters(): string[] {
  return [
    'Stage=local',
    'ReserveConcurrency=true',
    'AnnounceDescriptions=true',
    'DeployBackfill=true',
    // The emulator's own root user: npm run redrive sends as that one.
    'OperatorRoleArn=arn:aws:iam::000000000000:root',
    `AdoptedBucketName=${adoptedBucketName}`,
    architecture(),
  ];
}

/** This machine's, on which the emulator runs functions as processes. */
export function architecture(): string {
  return `Architecture=${process.arch === 'arm64' ? 'arm64' : 'x86_64'}`;
}

/** The platform to build the layers for, as npm settings in the environment. They override .npmrc. */
export interface LayerPlatform extends Readonly<Record<string, string>> {
  readonly npm_config_os: string;
  readonly npm_config_cpu: string;
  readonly npm_config_libc: string;
}

/** The emulator runs Lambda functions as processes of this machine. */
function currentPlatform(): LayerPlatform {
  return { npm_config_os: process.platform, npm_config_cpu: process.arch, npm_config_libc: familySync() ?? 'glibc' };
}

/** Content hashes of all files that are deployed, by path below the project. */
export type BuildInputs = ReadonlyMap<string, string>;

export async function buildKey(
  platform: LayerPlatform = currentPlatform(),
  inputs: BuildInputs | undefined = undefined,
  application: Application = pipeline(),
): Promise<string> {
  const read = inputs ?? (await readBuildInputs(application));
  return sha256(JSON.stringify([application.parameters, platform, ...read])).slice(0, 16);
}

export async function readBuildInputs({ inputs: patterns }: Application = pipeline()): Promise<BuildInputs> {
  const inputs = new Map<string, string>();
  for (const file of await inputFiles(patterns)) {
    const content = await readFile(join(projectDirectory, file)).catch((error: NodeJS.ErrnoException) => {
      // Probably an editor's temporary file, deleted since it was listed.
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (content !== undefined) inputs.set(file, sha256(content));
  }
  return inputs;
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

async function inputFiles(patterns: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const pattern of patterns) {
    for await (const entry of glob(pattern, {
      cwd: projectDirectory,
      withFileTypes: true,
      exclude: ['**/node_modules'],
    })) {
      if (entry.isFile()) files.push(join(entry.parentPath, entry.name).slice(projectDirectory.length + 1));
    }
  }
  return files.sort();
}

/**
 * The emulator translates SAM with the parameters' default values and ignores overrides, unlike an account. Written as JSON,
 * which is YAML too: `sam deploy` parses the template seven times, and YAML takes half a second each time.
 */
async function defaultToThisStage(template: string): Promise<void> {
  const document = parseDocument(await readFile(template, 'utf8'));
  for (const parameter of parameters()) {
    const [name = '', ...value] = parameter.split('=');
    document.setIn(['Parameters', name, 'Default'], value.join('='));
  }
  await writeFile(template, JSON.stringify(document));
}

async function moveIntoPlace(part: string, directory: string): Promise<void> {
  try {
    await rename(part, directory);
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    // Another process has built the same in the meantime.
    if (!existsSync(directory)) throw error;
  }
}

async function removeOldBuilds(buildRoot: string): Promise<void> {
  const builds: { path: string; usedAt: number }[] = [];
  for await (const path of glob(join(buildRoot, '*'))) builds.push({ path, usedAt: (await stat(path)).mtimeMs });
  const old = builds.sort((one, other) => other.usedAt - one.usedAt).slice(keptBuilds);
  for (const { path } of old) await rm(path, { recursive: true, force: true });
}

function samFailure(command: string, output: string, log: string): Failure {
  const unreachable = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test(output) && command === 'sam build';
  if (unreachable) {
    return new Failure(
      `\`${command}\` failed: it could not reach the npm registry to install the layers. Check the network and run this ` +
        `again. The full output is in ${shownPath(log)}.`,
    );
  }
  const reason =
    output
      .split('\n')
      .filter((line) => /error|failed|invalid/i.test(line))
      .at(-1) ?? 'it gave no reason';
  return new Failure(`\`${command}\` failed: ${reason.trim()} The full output is in ${shownPath(log)}.`);
}
