/** A rollback alarm of template.yaml, and its state according to CloudWatch's rules. */
import * as z from 'zod';
import { templateFor } from '../../scripts/template/template.ts';

// Strict, because other kinds of alarms are evaluated differently.
const rollbackAlarm = z.object({
  MetricName: z.string(),
  Statistic: z.literal('Sum'),
  Period: z.int(),
  EvaluationPeriods: z.int(),
  DatapointsToAlarm: z.int(),
  Threshold: z.number(),
  ComparisonOperator: z.literal('GreaterThanThreshold'),
  TreatMissingData: z.literal('notBreaching'),
});
export type RollbackAlarm = z.infer<typeof rollbackAlarm>;

export function readRollbackAlarm(logicalId: string): RollbackAlarm {
  return rollbackAlarm.parse(templateFor('prod').resources.get(logicalId)?.Properties);
}

/**
 * M out of N: in ALARM while at least M of the last N periods breach. A period without data does not breach.
 *
 * @param sums the metric's sum per period, oldest first; `undefined` if nothing was published
 */
export function stateOf(alarm: RollbackAlarm, sums: readonly (number | undefined)[]): 'OK' | 'ALARM' {
  const breaching = sums.slice(-alarm.EvaluationPeriods).filter((sum) => sum !== undefined && sum > alarm.Threshold);
  return breaching.length >= alarm.DatapointsToAlarm ? 'ALARM' : 'OK';
}
