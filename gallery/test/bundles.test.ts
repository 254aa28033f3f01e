import { gzipSync } from 'node:zlib';
import { type BuildOptions, build } from 'esbuild';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { ofType, readTemplate, templateFor } from '../../scripts/template/template.ts';

/**
 * A small package starts fast (docs/decisions/0004). The pipeline's functions have less than 210 kB; create-upload has slightly more,
 * because the library that signs forms brings parts of the SDK a second time.
 */
const MOST_BYTES = 210_000;

const settings = z.object({
  Metadata: z.object({
    BuildProperties: z.object({
      Format: z.literal('cjs'),
      MainFields: z.string(),
      Minify: z.boolean(),
      Target: z.string(),
      External: z.array(z.string()),
    }),
  }),
  Properties: z.object({ CodeUri: z.string() }),
});
const functions = ofType(templateFor('prod', {}, readTemplate('gallery/template.yaml')), 'AWS::Serverless::Function');

it.each(functions)('%s is a package of less than 210 kB', async (_, found) => {
  const { Metadata, Properties } = settings.parse(found);
  const { Format, MainFields, Minify, Target, External } = Metadata.BuildProperties;
  const options: BuildOptions = { format: Format, minify: Minify, target: Target, external: External };
  const { outputFiles } = await build({
    ...options,
    mainFields: MainFields.split(','),
    bundle: true,
    platform: 'node',
    entryPoints: [new URL(`../${Properties.CodeUri}/handler.ts`, import.meta.url).pathname],
    write: false,
    logLevel: 'silent',
  });
  const bytes = outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents).length, 0);
  expect(bytes).toBeGreaterThan(1_000);
  expect(bytes).toBeLessThan(MOST_BYTES);
});
