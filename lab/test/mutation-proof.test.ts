import { expect, it } from 'vitest';
import { type Mutant, mutationProof } from '../prove/mutation-proof.ts';

const mutants = (count: number, status: string): Mutant[] =>
  Array.from({ length: count }, (_, line) => ({
    ...{ status, fileName: '/anywhere/core/limits.ts', location: { start: { line } } },
    ...{ mutatorName: 'EqualityOperator', replacement: 'a >= b' },
  }));

it.each([
  ['85 of 100 killed', true, [...mutants(85, 'Killed'), ...mutants(15, 'Survived')]],
  ['84 of 100 killed', false, [...mutants(84, 'Killed'), ...mutants(16, 'Survived')]],
  [
    'what hangs counted as killed',
    true,
    [...mutants(80, 'Killed'), ...mutants(5, 'Timeout'), ...mutants(15, 'Survived')],
  ],
  ['what no test covers counted as survived', false, [...mutants(84, 'Killed'), ...mutants(16, 'NoCoverage')]],
  [
    'what does not compile left out',
    true,
    [...mutants(85, 'Killed'), ...mutants(15, 'Survived'), ...mutants(9, 'CompileError')],
  ],
])('with %s, core’s tests are good enough: %s', (_, holds, results) => {
  expect(mutationProof(results).against === undefined).toBe(holds);
});

it('names the mutants that survived, and where they are', () => {
  expect(mutationProof(mutants(1, 'Survived')).against).toContain('core/limits.ts:0:EqualityOperator: a >= b');
});
