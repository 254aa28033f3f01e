/** Builds the artifact of a release, once for all stages. Needs no AWS account. */
import { copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { build as bundle } from 'esbuild';
import * as z from 'zod';
import { build as buildForEmulator } from '../local/deploy.ts';
import { installSam } from '../local/toolchain.ts';
import { parseTemplateText } from '../template/template.ts';
import { Failure } from '../terminal/failure.ts';
import type { Report } from '../terminal/progress.ts';
import { logDirectory, projectDirectory, shownPath } from '../terminal/project.ts';
import { runCommand } from '../terminal/run-command.ts';
import { artifactFile, billOfMaterialsFile, contents, digestOf, packArtifact, toolFile } from './artifact.ts';

export interface Build {
  readonly commit: string;
  readonly sha256: string;
}

export async function buildRelease(
  { directory, emulator }: { readonly directory: string; readonly emulator: boolean },
  report: Report,
): Promise<Build> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const commit = await currentCommit();
  const sam = await installSam(report);
  const built = join(directory, contents.build);
  if (emulator) {
    // The emulator ignores parameters when it translates, so its builds have the stage as a default.
    const source = dirname(await buildForEmulator(sam, report));
    await cp(source, built, { recursive: true });
    await bringWorkflows(built, source);
  } else {
    report('sam build');
    await run('sam build', sam, ['build', '--build-dir', built]);
    await bringWorkflows(built, built);
  }
  report('writing the artifact');
  await copyFile(join(projectDirectory, 'samconfig.toml'), join(directory, contents.config));
  await writeFile(join(directory, contents.about), `${JSON.stringify({ commit }, null, 2)}\n`);
  await packArtifact(directory);
  for (const path of Object.values(contents)) await rm(join(directory, path), { recursive: true });
  await writeTool(join(directory, toolFile));
  await writeBillOfMaterials(join(directory, billOfMaterialsFile));
  return { commit, sha256: await digestOf(join(directory, artifactFile)) };
}

/**
 * SAM CLI copies code, and refers to workflows where they are in the project: a later commit must not change them. Written as
 * JSON, which SAM CLI reads in a tenth of the time.
 *
 * @param from the folder to which the paths in the template are relative
 */
async function bringWorkflows(directory: string, from: string): Promise<void> {
  const file = join(directory, 'template.yaml');
  const template = builtTemplate.parse(parseTemplateText(await readFile(file, 'utf8')));
  for (const { Properties = {} } of Object.values(template.Resources)) {
    for (const property of definitions) {
      const definition = z.string().optional().catch(undefined).parse(Properties[property]);
      if (definition === undefined) continue;
      await copyFile(resolve(from, definition), join(directory, basename(definition)));
      Properties[property] = basename(definition);
    }
  }
  await writeFile(file, JSON.stringify(template));
}

/** Of SAM's resource type and of CloudFormation's own. */
const definitions = ['DefinitionUri', 'DefinitionS3Location'];

const builtTemplate = z.looseObject({
  Resources: z.record(z.string(), z.looseObject({ Properties: z.looseObject({}).optional() })),
});

async function currentCommit(): Promise<string> {
  const commit = (await run('git', 'git', ['rev-parse', 'HEAD'])).trim();
  const changed = (await run('git', 'git', ['status', '--porcelain', '--untracked-files=no'])).trim() !== '';
  return changed ? `${commit} with uncommitted changes` : commit;
}

/** These commands in one file, for a job that has a role in AWS and must not install packages. */
async function writeTool(file: string): Promise<void> {
  await bundle({
    entryPoints: [join(import.meta.dirname, 'release.ts')],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // Only the commands that build need these, and they are not in that job.
    external: ['./build.ts', './rehearse.ts'],
    // Packages in the older format call require.
    banner: {
      js: "import { createRequire as createRequireOfTool } from 'node:module';\nconst require = createRequireOfTool(import.meta.url);",
    },
    logLevel: 'silent',
  });
}

/** CycloneDX: what the functions and the layers are made of. The layers' versions are those of the root. */
async function writeBillOfMaterials(file: string): Promise<void> {
  const args = ['sbom', '--package-lock-only', '--omit=dev', '--sbom-format=cyclonedx'];
  await writeFile(file, await run('npm sbom', 'npm', args));
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
