import { Stryker } from '@stryker-mutator/core';
import type { Proof } from '../prove.ts';

// Of what is changed at random in core, so much has to make a test fail. What survives is looked at in docs/reliability.md.
const LEAST_KILLED = 0.85;

/** Is there a test that fails, whatever is changed in core? */
export async function proveMutation(): Promise<readonly Proof[]> {
  const results = await new Stryker({
    mutate: ['core/**/*.ts'],
    testRunner: 'vitest',
    vitest: { configFile: 'scripts/prove/vitest.config.ts' },
    plugins: ['@stryker-mutator/vitest-runner'],
    coverageAnalysis: 'perTest',
    concurrency: 2,
    ignorePatterns: ['.darkroom', '.aws-sam', 'docs', 'test/fixtures'],
    tempDirName: '.darkroom/stryker',
    reporters: ['json'],
    jsonReporter: { fileName: '.darkroom/mutation.json' },
    allowConsoleColors: false,
  }).runMutationTest();

  const count = (...statuses: string[]) => results.filter(({ status }) => statuses.includes(status)).length;
  const [killed, survived] = [count('Killed', 'Timeout'), count('Survived', 'NoCoverage')];
  const share = killed / (killed + survived);
  const survivors = results
    .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
    .map(({ fileName, location: { start }, mutatorName, replacement }) =>
      [fileName.replace(/^.*\/core\//, 'core/'), start.line, `${mutatorName}: ${replacement}`].join(':'),
    );
  return [
    {
      promise: `a change in core fails a test (at least ${LEAST_KILLED * 100} % of them)`,
      evidence: `${killed} of ${killed + survived} mutants killed, ${(share * 100).toFixed(1)} %; all in .darkroom/mutation.json`,
      against: share >= LEAST_KILLED ? undefined : `These survived:\n\n${survivors.join('\n')}`,
    },
  ];
}
