import { join, relative } from 'node:path';
import { projectDirectory, workDirectory } from '../../scripts/terminal/project.ts';
import { mutationProof } from './mutation-proof.ts';
import type { Proof } from './proof.ts';

// Stryker expects paths relative to the project's directory.
const workFolder = relative(projectDirectory, workDirectory);

/** Checks that a test fails for every change in core. */
export async function proveMutation(): Promise<readonly Proof[]> {
  // Large, so loaded only when needed.
  const { Stryker } = await import('@stryker-mutator/core');
  const results = await new Stryker({
    mutate: ['core/**/*.ts'],
    testRunner: 'vitest',
    vitest: { configFile: 'lab/prove/vitest.config.ts' },
    plugins: ['@stryker-mutator/vitest-runner'],
    coverageAnalysis: 'perTest',
    concurrency: 2,
    ignorePatterns: [workFolder, '.aws-sam', 'docs', 'test/fixtures'],
    tempDirName: join(workFolder, 'stryker'),
    reporters: ['json'],
    jsonReporter: { fileName: join(workFolder, 'mutation.json') },
    allowConsoleColors: false,
  }).runMutationTest();

  return [mutationProof(results)];
}
