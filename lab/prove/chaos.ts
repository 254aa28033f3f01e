import { isolateThisProcess } from '../../scripts/local/isolated-environment.ts';
import { startLocalStack } from '../../scripts/local/local-stack.ts';
import { showStep } from '../../scripts/terminal/progress.ts';
import { chaos } from './chaos-run.ts';
import { provePoison } from './poison.ts';
import type { Proof, ProofOptions } from './proof.ts';

/** Hundreds of uploads through a pipeline whose workers are killed, throttled and denied permissions. */
export async function proveChaos({ seed, runs = 500, poison }: ProofOptions): Promise<readonly Proof[]> {
  if (poison) return provePoison({ seed, uploads: runs });
  isolateThisProcess();
  const { stack, emulator } = await startLocalStack(0, showStep);
  try {
    const { uploads, messages, troubles, deadLetters, redrives, renditionsCompared, erased, backfilled, defects } =
      await showStep(`Chaos: ${runs} uploads`, () => chaos(stack, emulator, { seed, uploads: runs }));
    const happened = `${troubles.killed} workers killed, ${troubles.throttled} throttled, ${troubles.denied} denied`;
    return [
      {
        promise:
          'every upload ends with one record, announced under one id, and with the same bytes as in an undisturbed run',
        evidence:
          `${uploads} uploads, ${messages} messages out of order; ${happened}; ${deadLetters} dead letters, ` +
          `none after ${redrives} redrives; ${renditionsCompared} renditions compared; ${backfilled} of the uploads had no event, and were backfilled meanwhile`,
        against: sentences(defects.ofUploads),
      },
      {
        promise: 'an image that is erased meanwhile does not come back, and a second look finds nothing of it',
        evidence: `${erased} images, whose events arrived before, during and after the erasure`,
        against: sentences(defects.ofErased),
      },
    ];
  } finally {
    stack.close();
    await emulator.stop();
  }
}

const sentences = (defects: readonly string[]) => (defects.length === 0 ? undefined : defects.join('\n'));
