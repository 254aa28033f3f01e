/** The real `sam build` and `sam deploy` of template.yaml, stage local, against the emulator. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { glob, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { familySync } from 'detect-libc';
import { parseDocument } from 'yaml';
import { projectName } from '../../core/names.ts';
import { Failure } from '../terminal/failure.ts';
import { logDirectory, projectDirectory, shownPath, workDirectory } from '../terminal/project.ts';
import { runCommand } from '../terminal/run-command.ts';
import type { Report } from '../terminal/step.ts';
import type { EmulatorAddress } from './emulator.ts';
import { isolatedEnvironment } from './isolated-environment.ts';

export const stackName = `${projectName}-local`;

// All that `sam build` reads. A file beside them, or a test, changes nothing that is deployed.
const buildInputs = [
  'template.yaml',
  'samconfig.toml',
  'package-lock.json',
  'tsconfig.json',
  '{adapters,core,functions,statemachine}/**/*',
  'layers/*/{package.json,package-lock.json,.npmrc}',
];
const keptBuilds = 3;
const buildRoot = join(workDirectory, 'build');

/** Built templates are kept by the content of what went into them, so that tests and `npm start` never share one by accident. */
export async function build(sam: string, report: Report, platform: LayerPlatform = thisMachine()): Promise<string> {
  const directory = join(buildRoot, await buildKey(platform));
  const template = join(directory, 'template.yaml');
  if (existsSync(template)) {
    const now = new Date();
    await utimes(directory, now, now);
    return template;
  }
  report('sam build');
  const part = `${directory}.${process.pid}`;
  const log = join(logDirectory, 'sam-build.log');
  const built = await runCommand({
    command: sam,
    args: [
      'build',
      ...['--config-env', 'local', '--template-file', join(projectDirectory, 'template.yaml')],
      ...['--build-dir', part, '--parameter-overrides', ...parameters()],
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
  await removeOldBuilds();
  return template;
}

export async function deploy(sam: string, template: string, emulator: EmulatorAddress, report: Report): Promise<void> {
  report('sam deploy');
  const log = join(logDirectory, 'sam-deploy.log');
  const deployed = await runCommand({
    command: sam,
    args: [
      'deploy',
      ...['--config-env', 'local', '--config-file', join(projectDirectory, 'samconfig.toml')],
      ...['--template-file', template, '--no-progressbar'],
      // In place of samconfig's own, which cannot know the machine.
      ...['--parameter-overrides', ...parameters()],
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
    // The emulator's own root user: npm run redrive sends as that one.
    'OperatorRoleArn=arn:aws:iam::000000000000:root',
    `Architecture=${process.arch === 'arm64' ? 'arm64' : 'x86_64'}`,
  ];
}

/** What the sharp layer is built for, as npm's settings: they go before those of .npmrc. */
export interface LayerPlatform extends Readonly<Record<string, string>> {
  readonly npm_config_os: string;
  readonly npm_config_cpu: string;
  readonly npm_config_libc: string;
}

/** The emulator runs Lambda functions as processes of this machine. */
function thisMachine(): LayerPlatform {
  return { npm_config_os: process.platform, npm_config_cpu: process.arch, npm_config_libc: familySync() ?? 'glibc' };
}

/** The content of every file that is deployed, as a hash by its path below the project. */
export type BuildInputs = ReadonlyMap<string, string>;

export async function buildKey(
  platform: LayerPlatform = thisMachine(),
  inputs: BuildInputs | undefined = undefined,
): Promise<string> {
  return sha256(JSON.stringify([parameters(), platform, ...(inputs ?? (await readBuildInputs()))])).slice(0, 16);
}

export async function readBuildInputs(): Promise<BuildInputs> {
  const inputs = new Map<string, string>();
  for (const file of await inputFiles()) {
    const content = await readFile(join(projectDirectory, file)).catch((error: NodeJS.ErrnoException) => {
      // An editor's own, gone again since it was listed.
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

async function inputFiles(): Promise<string[]> {
  const files: string[] = [];
  for (const pattern of buildInputs) {
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

/** The emulator translates SAM with the parameters' defaults, whatever the deployment says: an account goes by what it says. */
async function defaultToThisStage(template: string): Promise<void> {
  const document = parseDocument(await readFile(template, 'utf8'));
  document.setIn(['Parameters', 'Stage', 'Default'], 'local');
  await writeFile(template, document.toString());
}

async function moveIntoPlace(part: string, directory: string): Promise<void> {
  try {
    await rename(part, directory);
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    // Another process has built the same meanwhile.
    if (!existsSync(directory)) throw error;
  }
}

async function removeOldBuilds(): Promise<void> {
  const builds: { path: string; usedAt: number }[] = [];
  for await (const path of glob(join(buildRoot, '*'))) builds.push({ path, usedAt: (await stat(path)).mtimeMs });
  const old = builds.sort((one, other) => other.usedAt - one.usedAt).slice(keptBuilds);
  for (const { path } of old) await rm(path, { recursive: true, force: true });
}

function samFailure(command: string, output: string, log: string): Failure {
  const unreachable = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test(output) && command === 'sam build';
  if (unreachable) {
    return new Failure(
      `\`${command}\` failed: the npm registry cannot be reached, and the sharp layer comes from there. Check the network ` +
        `and run this again. The whole output is in ${shownPath(log)}.`,
    );
  }
  const said =
    output
      .split('\n')
      .filter((line) => /error|failed|invalid/i.test(line))
      .at(-1) ?? 'it gave no reason';
  return new Failure(`\`${command}\` failed: ${said.trim()} The whole output is in ${shownPath(log)}.`);
}
