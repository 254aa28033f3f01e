import { expect, it } from 'vitest';
import { type Mutant, mutationProof } from '../prove/mutation-proof.ts';

const mutants = (count: number, status: string): Mutant[] =>
  Array.from({ length: count }, (_, line) => ({
    ...{ status, fileName: '/anywhere/core/limits.ts', location: { start: { line } } },
    ...{ mutatorName: 'EqualityOperator', replacement: 'a >= b' },
  }));

it.each([
  ['93 of 100 killed', true, [...mutants(93, 'Killed'), ...mutants(7, 'Survived')]],
  ['92 of 100 killed', false, [...mutants(92, 'Killed'), ...mutants(8, 'Survived')]],
  [
    'what hangs counted as killed',
    true,
    [...mutants(88, 'Killed'), ...mutants(5, 'Timeout'), ...mutants(7, 'Survived')],
  ],
  ['what no test covers counted as survived', false, [...mutants(92, 'Killed'), ...mutants(8, 'NoCoverage')]],
  [
    'what does not compile left out',
    true,
    [...mutants(93, 'Killed'), ...mutants(7, 'Survived'), ...mutants(9, 'CompileError')],
  ],
])('with %s, core’s tests are good enough: %s', (_, holds, results) => {
  expect(mutationProof(results).against === undefined).toBe(holds);
});

it('names the mutants that survived, and where they are', () => {
  expect(mutationProof(mutants(1, 'Survived')).against).toContain('core/limits.ts:0:EqualityOperator: a >= b');
});
