import { runHistories } from '../../test/model/histories.ts';
import { sabotages } from '../../test/model/sabotages.ts';
import type { Proof, ProofOptions } from '../prove.ts';

/** Histories of a bucket against the workflow itself; then against the workflow broken on purpose, to see that they bite. */
export async function proveModel({ seed, runs = 10_000 }: ProofOptions): Promise<readonly Proof[]> {
  const { figures, defect } = await runHistories({ seed, runs });
  const { histories, changes, messages, events, leftBehind, troubles } = figures;
  const proofs: Proof[] = [
    {
      promise: 'every history ends as the reference says',
      evidence:
        `${histories} histories: ${changes} changes in S3, ${messages} messages, ${events} events; ` +
        `${[...troubles].map(([kind, times]) => `${kind} ${times}`).join(', ')}; left behind by late workers: ${leftBehind}`,
      against: defect?.report,
    },
  ];
  for (const { what, workflow } of sabotages) {
    const { defect: noticed } = await runHistories({ seed, runs, workflow });
    proofs.push({
      promise: `noticed: ${what}`,
      evidence: noticed ? `in history ${noticed.after}; ${noticed.smallest}` : `${runs} histories`,
      against: noticed ? undefined : 'No history noticed it.',
    });
  }
  return proofs;
}
