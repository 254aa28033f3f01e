/** A rollback alarm of template.yaml, and what CloudWatch would make of it. */
import * as z from 'zod';
import { templateFor } from '../../scripts/template/template.ts';

// Closed: an alarm of another kind would have to be evaluated in another way.
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
 * M out of N: in ALARM while as many of the last periods breach as the alarm asks for. A period without data is none.
 *
 * @param sums the metric's sum of each period, oldest first; `undefined` where nothing was published
 */
export function stateOf(alarm: RollbackAlarm, sums: readonly (number | undefined)[]): 'OK' | 'ALARM' {
  const breaching = sums.slice(-alarm.EvaluationPeriods).filter((sum) => sum !== undefined && sum > alarm.Threshold);
  return breaching.length >= alarm.DatapointsToAlarm ? 'ALARM' : 'OK';
}
