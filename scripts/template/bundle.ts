/** Bundles each function as `sam build` does, with the esbuild settings in template.yaml. */
import { basename, join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import * as z from 'zod';
import { projectTitle } from '../../core/names.ts';
import { projectDirectory } from '../terminal/project.ts';
import { ofType, readTemplate, templateFor } from './template.ts';

export interface Bundle {
  /** Name of the folder, for example `resize-image`. */
  readonly name: string;
  /** Logical id in template.yaml. */
  readonly logicalId: string;
  /** Paths below the project's directory. */
  readonly sources: ReadonlySet<string>;
  /** By name: `handler.js`, and other entry points. */
  readonly code: ReadonlyMap<string, Uint8Array>;
  /** Size of the package that is deployed to Lambda. */
  readonly zippedBytes: number;
  /** Minified bytes of each npm package in the bundle, and of our own code. */
  readonly contributors: ReadonlyMap<string, number>;
}

const bundledFunction = z.object({
  Metadata: z.object({
    BuildMethod: z.literal('esbuild'),
    // Strict, so that a setting that is added to the template fails here instead of being overlooked.
    BuildProperties: z.strictObject({
      EntryPoints: z.array(z.string()),
      Format: z.enum(['cjs', 'esm']),
      MainFields: z.string(),
      Minify: z.boolean(),
      Sourcemap: z.boolean(),
      Target: z.string(),
      External: z.array(z.string()),
    }),
  }),
  Properties: z.object({ CodeUri: z.string() }),
});
type BundledFunction = z.infer<typeof bundledFunction>;

/**
 * @param changed overrides the template's settings, to measure their effect
 * @param wanted selects functions by their logical ids in template.yaml
 */
export async function bundleFunctions(
  changed: BuildOptions = {},
  wanted: (logicalId: string) => boolean = () => true,
): Promise<readonly Bundle[]> {
  const found = bundledFunctions().filter(([logicalId]) => wanted(logicalId));
  return await Promise.all(found.map(([logicalId, settings]) => bundle(logicalId, settings, changed)));
}

function bundledFunctions(): [logicalId: string, settings: BundledFunction][] {
  // Any stage will do: bundles are the same in all of them. Read each time, because `npm start -- --watch` runs while it changes.
  const template = templateFor('prod', {}, readTemplate('template.yaml'));
  return ofType(template, 'AWS::Serverless::Function').map(([id, found]) => [id, bundledFunction.parse(found)]);
}

async function bundle(
  logicalId: string,
  { Metadata, Properties: { CodeUri } }: BundledFunction,
  changed: BuildOptions,
): Promise<Bundle> {
  const settings = Metadata.BuildProperties;
  const { outputFiles, metafile } = await build({
    // SAM CLI always adds these two.
    bundle: true,
    platform: 'node',
    entryPoints: settings.EntryPoints.map((file) => join(projectDirectory, CodeUri, file)),
    format: settings.Format,
    mainFields: settings.MainFields.split(','),
    minify: settings.Minify,
    sourcemap: settings.Sourcemap,
    target: settings.Target,
    external: settings.External,
    ...changed,
    absWorkingDir: projectDirectory,
    outdir: 'out',
    metafile: true,
    write: false,
  });
  return {
    name: CodeUri.replace('functions/', ''),
    logicalId,
    sources: new Set(Object.keys(metafile.inputs)),
    code: new Map(outputFiles.map(({ path, contents }) => [basename(path), contents])),
    zippedBytes: outputFiles.reduce((sum, file) => sum + zippedBytes(file.contents), 0),
    contributors: contributorsOf(metafile),
  };
}

function zippedBytes(contents: Uint8Array): number {
  // Plus a zip file's two headers and end record, for a name like handler.js.
  return deflateRawSync(contents).length + 130;
}

function contributorsOf({ outputs }: Metafile): ReadonlyMap<string, number> {
  const bytes = new Map<string, number>();
  for (const { inputs } of Object.values(outputs)) {
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
      const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? projectTitle;
      bytes.set(name, (bytes.get(name) ?? 0) + bytesInOutput);
    }
  }
  return new Map([...bytes].sort(([, one], [, other]) => other - one));
}
