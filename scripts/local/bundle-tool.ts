/** One file that runs in a job that has a role in AWS and must not install packages. */
import { build } from 'esbuild';

/** @param external files that are not in it, because only commands that build need them */
export async function bundleTool(entry: string, outfile: string, external: readonly string[] = []): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: [...external],
    // Packages in the older format call require.
    banner: {
      js: "import { createRequire as createRequireOfTool } from 'node:module';\nconst require = createRequireOfTool(import.meta.url);",
    },
    logLevel: 'silent',
  });
}
