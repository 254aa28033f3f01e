import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { showStep } from '../../scripts/terminal/progress.ts';
import type { Proof, ProofOptions } from './proof.ts';

const run = promisify(execFile);
const KEYS = 1_000_000;
/** Between a tenth of the keys and all of them. Pages of listings are garbage until it is collected. */
const MOST_GROWTH_MEGABYTES = 100;

const planned = z.object({
  candidates: z.int(),
  seconds: z.int(),
  peakMegabytes: z.int(),
  fileMegabytes: z.int(),
  plan: z.string(),
});

/** A backfill of a million uploads that a fake listing makes up, planned as `npm run backfill -- --dry-run` does. */
export async function proveBackfillPlan({ runs = KEYS }: ProofOptions): Promise<readonly Proof[]> {
  const part = await showStep(`${runs / 10} keys`, () => plan(runs / 10));
  const whole = await showStep(`${runs} keys`, () => plan(runs));
  const growth = whole.peakMegabytes - part.peakMegabytes;
  const wrong = [
    ...(whole.candidates === (runs / 10) * 9 ? [] : [`It found ${whole.candidates} uploads without a record.`]),
    ...(growth <= MOST_GROWTH_MEGABYTES ? [] : [`Ten times the keys took ${growth} MB more.`]),
  ];
  return [
    {
      promise: 'a backfill of a million keys is planned in memory that does not grow with their number',
      evidence:
        `${runs} keys, one in ten with a record, in ${whole.seconds} s: at most ${whole.peakMegabytes} MB, with a tenth of the keys ` +
        `${part.peakMegabytes} MB; a file of ${whole.fileMegabytes} MB. “${whole.plan}”`,
      against: wrong.length === 0 ? undefined : wrong.join('\n'),
    },
  ];
}

async function plan(keys: number) {
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'plan-keys.ts'), String(keys)]);
  return planned.parse(JSON.parse(stdout));
}
