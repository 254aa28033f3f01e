import type { Proof } from './proof.ts';

// The share of Stryker's changes to core, with every mutator in every place, that must make a test fail.
// lab/docs/reliability.md explains those that survive.
const LEAST_KILLED = 0.93;

export interface Mutant {
  readonly status: string;
  readonly fileName: string;
  readonly location: { readonly start: { readonly line: number } };
  readonly mutatorName: string;
  readonly replacement?: string | undefined;
}

/** A mutant that no test covers has survived. */
export function mutationProof(mutants: readonly Mutant[]): Proof {
  const of = (...statuses: string[]) => mutants.filter(({ status }) => statuses.includes(status));
  const [killed, survived] = [of('Killed', 'Timeout').length, of('Survived', 'NoCoverage')];
  const share = killed / (killed + survived.length);
  const survivors = survived.map(({ fileName, location: { start }, mutatorName, replacement }) =>
    [fileName.replace(/^.*\/core\//, 'core/'), start.line, `${mutatorName}: ${replacement}`].join(':'),
  );
  return {
    promise: `a change in core fails a test (at least ${LEAST_KILLED * 100} % of them)`,
    evidence:
      `${killed} of ${killed + survived.length} mutants killed, ${(share * 100).toFixed(1)} %; ` +
      `the full list is in mutation.json in the work directory; survivors: ${survivors.join('; ')}`,
    against: share >= LEAST_KILLED ? undefined : `These survived:\n\n${survivors.join('\n')}`,
  };
}
