/** What `sam build` makes of each function, made here with the same settings: template.yaml's, read and not repeated. */
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import * as z from 'zod';
import { projectTitle } from '../../core/names.ts';
import { projectDirectory } from '../terminal/project.ts';
import { ofType, readTemplate, templateFor } from './template.ts';

export interface Bundle {
  /** The folder's, for example `resize-image`. */
  readonly name: string;
  /** The function's in template.yaml. */
  readonly logicalId: string;
  /** Below the project's directory. */
  readonly sources: ReadonlySet<string>;
  readonly code: Uint8Array;
  /** As the package that Lambda gets. */
  readonly zippedBytes: number;
  /** Minified bytes of each npm package in it, and of our own code. */
  readonly contributors: ReadonlyMap<string, number>;
}

const bundledFunction = z.object({
  Metadata: z.object({
    BuildMethod: z.literal('esbuild'),
    // All of those that the template uses: a new one fails here instead of being overlooked.
    BuildProperties: z.strictObject({
      EntryPoints: z.tuple([z.string()]),
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
 * `changed` overrides the template's settings: how else could one tell what they are worth?
 *
 * @param wanted by the functions' names in template.yaml
 */
export async function bundleFunctions(
  changed: BuildOptions = {},
  wanted: (logicalId: string) => boolean = () => true,
): Promise<readonly Bundle[]> {
  const found = bundledFunctions().filter(([logicalId]) => wanted(logicalId));
  return await Promise.all(found.map(([logicalId, settings]) => bundle(logicalId, settings, changed)));
}

function bundledFunctions(): [logicalId: string, settings: BundledFunction][] {
  // What a bundle is made of is the same in every stage. Read anew: `npm start -- --watch` outlives changes of the file.
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
    // What SAM CLI always adds.
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
  const [code] = outputFiles.filter(({ path }) => path.endsWith('.js'));
  if (code === undefined) throw new Error(`esbuild made no bundle of ${CodeUri}.`);
  return {
    name: CodeUri.replace('functions/', ''),
    logicalId,
    sources: new Set(Object.keys(metafile.inputs)),
    code: code.contents,
    zippedBytes: outputFiles.reduce((sum, file) => sum + zippedBytes(file.contents), 0),
    contributors: contributorsOf(metafile),
  };
}

function zippedBytes(contents: Uint8Array): number {
  // Two headers and the end record of a zip file, with a name like handler.js.
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
