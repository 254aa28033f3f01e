import { mutationProof } from './mutation-proof.ts';
import type { Proof } from './proof.ts';

/** Is there a test that fails, whatever is changed in core? */
export async function proveMutation(): Promise<readonly Proof[]> {
  // A whole mutation tester: loaded only for this.
  const { Stryker } = await import('@stryker-mutator/core');
  const results = await new Stryker({
    mutate: ['core/**/*.ts'],
    testRunner: 'vitest',
    vitest: { configFile: 'lab/prove/vitest.config.ts' },
    plugins: ['@stryker-mutator/vitest-runner'],
    coverageAnalysis: 'perTest',
    concurrency: 2,
    ignorePatterns: ['.darkroom', '.aws-sam', 'docs', 'test/fixtures'],
    tempDirName: '.darkroom/stryker',
    reporters: ['json'],
    jsonReporter: { fileName: '.darkroom/mutation.json' },
    allowConsoleColors: false,
  }).runMutationTest();

  return [mutationProof(results)];
}
