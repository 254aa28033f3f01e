/** The artifact of a release: one file with everything that is deployed, and its SHA-256. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parse as parseToml } from 'smol-toml';
import * as z from 'zod';
import { Failure } from '../terminal/failure.ts';
import { logDirectory, shownPath, workDirectory } from '../terminal/project.ts';
import { runCommand } from '../terminal/run-command.ts';

/** The workflows download the artifact to this folder. */
export const releaseDirectory = join(workDirectory, 'release');

/** Paths within the folder of a release. Those in `contents` are also the ones within the artifact. */
export const artifactFile = 'release.tar';
export const toolFile = 'release.mjs';
export const billOfMaterialsFile = 'sbom.cdx.json';
export const contents = { build: 'build', config: 'samconfig.toml', about: 'release.json', after: 'after' } as const;

/** In the folder `after`: what an application does when its stack has been deployed. It is called with `--stack NAME`. */
export const afterReleaseFile = 'after-release.mjs';

export const about = z.object({ commit: z.string() });

export interface Artifact {
  /** SHA-256 of {@link artifactFile}. */
  readonly sha256: string;
  readonly commit: string;
  /** Paths of what was in it. */
  readonly template: string;
  readonly config: string;
  /** Undefined if the application does nothing after its deployment. */
  readonly afterRelease: string | undefined;
}

/** Unpacks it again each time, so that what is deployed is what the digest covers. @throws {Failure} if there is none. */
export async function openArtifact(directory = releaseDirectory): Promise<Artifact> {
  const file = join(directory, artifactFile);
  if (!existsSync(file)) {
    throw new Failure(
      `There is no ${shownPath(file)}: run npm run release -- build, or download the artifact of a build.`,
    );
  }
  const unpacked = join(directory, 'unpacked');
  await rm(unpacked, { recursive: true, force: true });
  await mkdir(unpacked, { recursive: true });
  await tar(['--extract', '--file', file, '--directory', unpacked], directory);
  const afterRelease = join(unpacked, contents.after, afterReleaseFile);
  const { commit } = about.parse(JSON.parse(await readFile(join(unpacked, contents.about), 'utf8')));
  return {
    commit,
    sha256: await digestOf(file),
    template: join(unpacked, contents.build, 'template.yaml'),
    config: join(unpacked, contents.config),
    afterRelease: existsSync(afterRelease) ? afterRelease : undefined,
  };
}

export async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** Packs what a build left in the folder. SAM CLI links the packages of a layer, so links are followed. */
export async function packArtifact(directory: string): Promise<void> {
  const present = Object.values(contents).filter((path) => existsSync(join(directory, path)));
  await tar(['--create', '--dereference', '--file', artifactFile, ...present], directory);
}

async function tar(args: readonly string[], directory: string): Promise<void> {
  const log = join(logDirectory, 'release-tar.log');
  const { succeeded, output } = await runCommand({ command: 'tar', args, directory, environment: process.env, log });
  if (!succeeded) throw new Failure(`tar failed: ${output.trim().split('\n').at(-1) ?? 'it gave no reason'}.`);
}

const stageConfig = z.object({
  global: z.object({ parameters: z.object({ stack_name: z.string() }) }),
  deploy: z.object({ parameters: z.object({ parameter_overrides: z.string() }) }),
});

function stageIn(config: string, stage: string): z.infer<typeof stageConfig> {
  const found = stageConfig.safeParse(parseToml(config)[stage]);
  if (!found.success) throw new Failure(`samconfig.toml has no stage ${stage}: pass another one as --stage.`);
  return found.data;
}

/** The name in samconfig.toml, so that no application is released to the stack of another by default. */
export function stackFor(config: string, stage: string): string {
  return stageIn(config, stage).global.parameters.stack_name;
}

/** The parameters in samconfig.toml, with those of the command line, which win. */
export function parametersFor(config: string, stage: string, given: readonly string[]): string[] {
  const { parameter_overrides: overrides } = stageIn(config, stage).deploy.parameters;
  const pairs = [...overrides.split(' '), ...given].map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw new Failure(`The parameter ${JSON.stringify(pair)} is not valid: write it as Name=value.`);
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  return [...new Map(pairs)].map(([name, value]) => `${name}=${value}`);
}
