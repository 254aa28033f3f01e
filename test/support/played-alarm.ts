import * as z from 'zod';
import type { Resource } from '../../scripts/template/template.ts';
import { metricMathSeries, type Series } from './metric-math.ts';

/**
 * Plays a metric alarm of the template, minute by minute, as CloudWatch evaluates it: sliding windows of one period each, of which
 * at least DatapointsToAlarm must breach. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
 */

const stat = z.enum(['Sum', 'SampleCount', 'Maximum']);
const rule = z.object({
  EvaluationPeriods: z.int(),
  DatapointsToAlarm: z.int().optional(),
  Threshold: z.number(),
  ComparisonOperator: z.enum(['GreaterThanThreshold', 'LessThanThreshold', 'GreaterThanOrEqualToThreshold']),
  TreatMissingData: z.enum(['notBreaching', 'breaching']),
});
const simple = rule.extend({ MetricName: z.string(), Statistic: stat, Period: z.int() });
const measured = z.object({
  Id: z.string(),
  MetricStat: z.object({ Stat: stat, Period: z.int(), Metric: z.object({ MetricName: z.string() }) }),
});
const calculated = z.object({ Id: z.string(), Expression: z.string() });
const calculating = rule.extend({ Metrics: z.array(z.union([measured, calculated])) });

/** By metric name: for each minute, the values that were recorded in it. */
export type Recorded = Readonly<Record<string, readonly (readonly number[])[]>>;

/** Whether the alarm is on at the end of each minute. */
export async function playedAlarm({ Properties }: Resource, recorded: Recorded): Promise<boolean[]> {
  const alarm = z.union([simple, calculating]).parse(Properties);
  const minutes = Math.max(...Object.values(recorded).map((values) => values.length));
  const needed = alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods;
  const statisticOf = statisticsOf(recorded);
  const states: boolean[] = [];
  for (let minute = 0; minute < minutes; minute += 1) {
    const values = (await seriesAt(alarm, minute, statisticOf)).slice(-alarm.EvaluationPeriods);
    states.push(values.filter((value) => isBreaching(value, alarm)).length >= needed);
  }
  return states;
}

async function seriesAt(
  alarm: z.infer<typeof simple> | z.infer<typeof calculating>,
  minute: number,
  statisticOf: StatisticOf,
): Promise<Series> {
  // One period more than is evaluated, for DIFF.
  const windows = alarm.EvaluationPeriods + 1;
  const series = (metric: string, statistic: z.infer<typeof stat>, seconds: number): Series => {
    const period = seconds / 60;
    return Array.from({ length: windows }, (_, index) => {
      const end = Math.max(0, minute + 1 - (windows - 1 - index) * period);
      return statisticOf(metric, statistic, Math.max(0, end - period), end);
    });
  };
  if ('MetricName' in alarm) return series(alarm.MetricName, alarm.Statistic, alarm.Period);
  const queries = alarm.Metrics.flatMap((query) => ('MetricStat' in query ? [query] : []));
  const [expression, ...others] = alarm.Metrics.flatMap((query) => ('Expression' in query ? [query.Expression] : []));
  if (expression === undefined || others.length > 0) throw new Error('Only alarms with one expression can be played.');
  const inputs = queries.map(({ Id, MetricStat: { Stat, Period, Metric } }): [string, Series] => [
    Id,
    series(Metric.MetricName, Stat, Period),
  ]);
  return await metricMathSeries(expression, Object.fromEntries(inputs));
}

/** Of a metric, from one minute to before another; undefined without data. */
type StatisticOf = (
  metric: string,
  statistic: z.infer<typeof stat>,
  from: number,
  before: number,
) => number | undefined;

function statisticsOf(recorded: Recorded): StatisticOf {
  // Running totals, because a window can be a day, and each minute has one.
  const totals = new Map(
    Object.entries(recorded).map(([metric, minutes]) => {
      const running = [{ sum: 0, count: 0 }];
      for (const values of minutes) {
        const { sum, count } = running.at(-1) ?? { sum: 0, count: 0 };
        running.push({ sum: sum + values.reduce((all, value) => all + value, 0), count: count + values.length });
      }
      return [metric, running] as const;
    }),
  );
  return (metric, statistic, from, before) => {
    const running = totals.get(metric) ?? [];
    const at = (minute: number) => running[Math.min(minute, running.length - 1)] ?? { sum: 0, count: 0 };
    const count = at(before).count - at(from).count;
    if (count === 0) return undefined;
    switch (statistic) {
      case 'Sum':
        return at(before).sum - at(from).sum;
      case 'SampleCount':
        return count;
      case 'Maximum':
        return Math.max(...(recorded[metric] ?? []).slice(from, before).flat());
    }
  };
}

function isBreaching(
  value: number | undefined,
  { ComparisonOperator, Threshold, TreatMissingData }: z.infer<typeof rule>,
) {
  if (value === undefined) return TreatMissingData === 'breaching';
  switch (ComparisonOperator) {
    case 'GreaterThanThreshold':
      return value > Threshold;
    case 'GreaterThanOrEqualToThreshold':
      return value >= Threshold;
    case 'LessThanThreshold':
      return value < Threshold;
  }
}
