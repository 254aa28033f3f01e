import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { presetVariants } from '../fork/preset-variants.ts';

const workflowFile = new URL('../../.github/workflows/ci.yml', import.meta.url);
const workflow = z.object({
  jobs: z.object({ presets: z.object({ strategy: z.object({ matrix: z.object({ variant: z.array(z.string()) }) }) }) }),
});

it.runIf(existsSync(workflowFile))('CI runs npm run lab -- fork with every variant', () => {
  const { jobs } = workflow.parse(parse(readFileSync(workflowFile, 'utf8')));
  expect(jobs.presets.strategy.matrix.variant).toEqual(Object.keys(presetVariants));
});
