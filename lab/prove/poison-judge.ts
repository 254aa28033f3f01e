/** Whether a flood of poison from one sender affects anyone else: judged by what others waited and what the alarms see. */
import { quantile } from 'simple-statistics';
import * as z from 'zod';
import { at, numberAt, templateFor } from '../../scripts/template/template.ts';
import { metricMath } from '../../test/support/metric-math.ts';
import { calculated, undecidedAlarm } from '../../test/support/played-breaker.ts';
import { drawVersion } from '../bad-release/canary.ts';
import type { Proof } from './proof.ts';

/** p95 of the others with poison, divided by p95 without. */
export const MOST_DELAY = 1.5;

export interface PoisonRun {
  /** Milliseconds from each upload of another sender to its record, without and with the flood. */
  readonly calm: readonly number[];
  readonly flooded: readonly number[];
  /** Uploads of others without renditions. */
  readonly lost: readonly string[];
  /** Poison, and how much of it was rejected by the end. */
  readonly poison: number;
  readonly rejected: number;
  readonly deadLetters: number;
  /** For each minute of the flood, the sums of the metrics that the circuit breaker's alarm reads. */
  readonly minutes: readonly Readonly<Record<string, number>>[];
  /** Whether a known-good image was processed during the flood: the breaker asks before it opens. */
  readonly probe: 'healthy' | 'failed';
  /** Calls of resize-image that Lambda had to stop or whose worker died: errors of the function. */
  readonly killed: number;
}

export async function judgePoison(run: PoisonRun, random: () => number): Promise<readonly Proof[]> {
  const [before, after] = [quantile([...run.calm], 0.95), quantile([...run.flooded], 0.95)];
  const ratio = after / before;
  const seconds = (millis: number) => `${(millis / 1000).toFixed(1)} s`;
  const fired = await breakerAlarmFires(run.minutes);
  const release = await canary(run.killed, random);
  return [
    {
      promise: `a sender who floods the stack with poison does not delay others: p95 at most ${MOST_DELAY} times`,
      evidence: `p95 ${seconds(before)} without, ${seconds(after)} with poison: ${ratio.toFixed(2)} times; ${run.flooded.length} uploads of others`,
      against: ratio <= MOST_DELAY ? undefined : `p95 is ${ratio.toFixed(2)} times as long as without poison.`,
    },
    {
      promise: 'every upload of the others is processed, and all poison is rejected, without a dead letter',
      evidence: `${run.rejected} of ${run.poison} rejected, ${run.killed} workers stopped or killed, ${run.deadLetters} dead letters`,
      against:
        run.lost.length === 0 && run.rejected === run.poison && run.deadLetters === 0 && run.killed > 0
          ? undefined
          : [
              ...run.lost.map((key) => `${key} was not processed.`),
              `${run.poison - run.rejected} of the poison undecided, ${run.deadLetters} dead letters, ${run.killed} workers stopped or killed.`,
            ].join('\n'),
    },
    {
      promise: 'the circuit breaker stays closed',
      evidence: `its alarm ${fired ? 'fired' : 'did not fire'} in ${run.minutes.length} minutes; the known-good image: ${run.probe}`,
      // The breaker opens if its alarm fires and the known-good image fails. That one must be processed in any case.
      against: run.probe === 'healthy' ? undefined : 'The known-good image failed during the flood.',
    },
    {
      promise: 'a release in progress is not rolled back',
      evidence:
        `${release.fresh} of ${release.all} failed calls hit the new version; its share of them was never judged above ` +
        `${release.worst.toFixed(0)} %, limit ${release.threshold} %. “Roll back at the first error” would have: ${release.firstErrorWould ? 'yes' : 'no'}`,
      against: release.worst <= release.threshold ? undefined : 'ResizeImageErrorsRollbackAlarm fires.',
    },
  ];
}

/** The alarm of template.yaml over the minutes, as CloudWatch evaluates it. */
async function breakerAlarmFires(minutes: PoisonRun['minutes']): Promise<boolean> {
  const percents = await Promise.all(minutes.map((counts) => calculated('undecided', counts)));
  return percents.some((_, end) => {
    const window = percents.slice(Math.max(0, end + 1 - undecidedAlarm.EvaluationPeriods), end + 1);
    return window.filter((percent) => percent > undecidedAlarm.Threshold).length >= undecidedAlarm.DatapointsToAlarm;
  });
}

const CANARY_PERCENT = 5;
const resizeAlarm = templateFor('prod').resources.get('ResizeImageErrorsRollbackAlarm')?.Properties;

/** Each killed call is one of the new version by its share of the traffic; the alarm is evaluated after each. */
async function canary(killed: number, random: () => number) {
  const expression = z.string().parse(at(resizeAlarm?.['Metrics'], 0, 'Expression'));
  const threshold = numberAt(resizeAlarm, 'Threshold');
  const routes = [
    { version: 1, weight: 100 - CANARY_PERCENT },
    { version: 2, weight: CANARY_PERCENT },
  ];
  let fresh = 0;
  let worst = 0;
  for (let all = 1; all <= killed; all += 1) {
    if (drawVersion(routes, random()) === 2) fresh += 1;
    worst = Math.max(worst, await metricMath(expression, { fresh, all }));
  }
  return { fresh, all: killed, worst, threshold, firstErrorWould: fresh > 0 };
}
