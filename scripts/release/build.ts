/** Builds the artifact of a release, once for all stages. Needs no AWS account. */
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { bundleTool } from '../local/bundle-tool.ts';
import { type Application, build as buildForEmulator, pipeline } from '../local/deploy.ts';
import { installSam } from '../local/toolchain.ts';
import { parseTemplateText } from '../template/template.ts';
import { Failure } from '../terminal/failure.ts';
import type { Report } from '../terminal/progress.ts';
import { logDirectory, projectDirectory, shownPath } from '../terminal/project.ts';
import { runCommand } from '../terminal/run-command.ts';
import { artifactFile, billOfMaterialsFile, contents, digestOf, packArtifact, toolFile } from './artifact.ts';
import { definitionsIn } from './definitions.ts';

export interface Build {
  readonly commit: string;
  readonly sha256: string;
}

/** The folder of an application, or one to build for the emulator. */
export type Source = { readonly application: string } | { readonly emulated: Application };

export const emulatedPipeline = (): Source => ({ emulated: pipeline() });

/** @param directory for the artifact */
export async function buildRelease(directory: string, source: Source, report: Report): Promise<Build> {
  const application = join(projectDirectory, 'emulated' in source ? source.emulated.directory : source.application);
  if (!existsSync(join(application, 'template.yaml'))) {
    throw new Failure(`${shownPath(application)} has no template.yaml: pass the folder of an application.`);
  }
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const commit = await currentCommit();
  const sam = await installSam(report);
  const built = join(directory, contents.build);
  if ('emulated' in source) {
    // The emulator ignores parameters when it translates, so its builds have the stage as a default.
    const cached = dirname(await buildForEmulator(sam, report, undefined, source.emulated));
    await cp(cached, built, { recursive: true });
    await bringDefinitions(built, cached);
  } else {
    report('sam build');
    await run('sam build', sam, ['build', '--template-file', join(application, 'template.yaml'), '--build-dir', built]);
    await bringDefinitions(built, built);
    // Not for the emulator, which has no place for it.
    await prepareAfterRelease(application, join(directory, contents.after));
  }
  report('writing the artifact');
  await copyFile(join(application, 'samconfig.toml'), join(directory, contents.config));
  await writeFile(join(directory, contents.about), `${JSON.stringify({ commit }, null, 2)}\n`);
  await packArtifact(directory);
  for (const path of Object.values(contents)) await rm(join(directory, path), { recursive: true, force: true });
  // Only the commands that build need these two files.
  await bundleTool(join(import.meta.dirname, 'release.ts'), join(directory, toolFile), ['./build.ts', './rehearse.ts']);
  await writeFile(join(directory, billOfMaterialsFile), JSON.stringify(await billOfMaterials(application), null, 2));
  return { commit, sha256: await digestOf(join(directory, artifactFile)) };
}

/**
 * SAM CLI copies code, and refers to workflows and descriptions of APIs where they are in the project: a later commit must not change
 * them. Written as JSON, which SAM CLI reads in a tenth of the time.
 *
 * @param from the folder to which the paths in the template are relative
 */
async function bringDefinitions(directory: string, from: string): Promise<void> {
  const file = join(directory, 'template.yaml');
  const template = parseTemplateText(await readFile(file, 'utf8'));
  for (const { path, rename } of definitionsIn(template)) {
    await copyFile(resolve(from, path), join(directory, basename(path)));
    rename(basename(path));
  }
  await writeFile(file, JSON.stringify(template));
}

/** An application may have something to do after each deployment, such as uploading a page. It is built here, once, like the rest. */
async function prepareAfterRelease(application: string, folder: string): Promise<void> {
  const script = join(application, 'deploy', 'prepare-release.ts');
  if (!existsSync(script)) return;
  await mkdir(folder, { recursive: true });
  await run('prepare release', process.execPath, [script, folder]);
}

async function currentCommit(): Promise<string> {
  const commit = (await run('git', 'git', ['rev-parse', 'HEAD'])).trim();
  const changed = (await run('git', 'git', ['status', '--porcelain', '--untracked-files=no'])).trim() !== '';
  return changed ? `${commit} with uncommitted changes` : commit;
}

const bill = z.looseObject({
  components: z.array(z.looseObject({ 'bom-ref': z.string() })),
  dependencies: z.array(z.looseObject({ ref: z.string() })),
});
type Bill = z.infer<typeof bill>;

/**
 * CycloneDX: what the functions and the layers are made of. The layers' versions are those of the root, and another application adds its
 * own packages to those.
 */
async function billOfMaterials(application: string): Promise<Bill> {
  const billOf = async (folder: string) => {
    const args = ['sbom', '--package-lock-only', '--omit=dev', '--sbom-format=cyclonedx', '--prefix', folder];
    return bill.parse(JSON.parse(await run('npm sbom', 'npm', args)));
  };
  const root = await billOf(projectDirectory);
  return resolve(application) === projectDirectory ? root : merged(root, await billOf(application));
}

function merged(one: Bill, other: Bill): Bill {
  return {
    ...one,
    components: [...new Map([...one.components, ...other.components].map((part) => [part['bom-ref'], part])).values()],
    dependencies: [...new Map([...one.dependencies, ...other.dependencies].map((part) => [part.ref, part])).values()],
  };
}

async function run(title: string, command: string, args: readonly string[]): Promise<string> {
  const log = join(logDirectory, `release-${title.replace(' ', '-')}.log`);
  const { succeeded, output } = await runCommand({
    command,
    args,
    directory: projectDirectory,
    environment: { ...process.env, SAM_CLI_TELEMETRY: '0' },
    log,
  });
  if (succeeded) return output;
  const reason = output.trim().split('\n').at(-1) ?? '';
  throw new Failure(`${title} failed: ${reason} The full output is in ${shownPath(log)}.`);
}
