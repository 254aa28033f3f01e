import { chaos } from '../../test/faults/chaos.ts';
import { isolateThisProcess } from '../isolated-environment.ts';
import { startLocalStack } from '../local-stack.ts';
import { showStep } from '../progress.ts';

/** Hundreds of uploads through a pipeline whose workers are killed, throttled and denied what they need meanwhile. */
export async function proveChaos({ seed, runs = 500 }: { readonly seed: number; readonly runs?: number | undefined }) {
  isolateThisProcess();
  const stack = await startLocalStack(0, showStep);
  try {
    const { uploads, messages, troubles, deadLetters, redrives, renditionsCompared, defects } = await showStep(
      `Chaos: ${runs} uploads`,
      () => chaos(stack, { seed, uploads: runs }),
    );
    const happened = [...troubles].map(([kind, times]) => `${kind} ${times}`).join(', ');
    return [
      {
        promise: 'every upload ends as one record and the renditions of an undisturbed run, byte for byte',
        evidence:
          `${uploads} uploads, ${messages} messages out of order; ${happened}; ${deadLetters} dead letters, ` +
          `none after ${redrives} redrives; ${renditionsCompared} renditions compared`,
        ...(defects.length > 0 && { against: defects.join('\n') }),
      },
    ];
  } finally {
    await stack.stop();
  }
}
