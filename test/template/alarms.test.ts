import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { metricNamespace } from '../../core/names.ts';
import { renditionGroups } from '../../core/presets.ts';
import { retryDelaySeconds } from '../../core/retry-delay.ts';
import { workers } from '../../core/steps.ts';
import {
  at,
  type Json,
  numberAt,
  ofType,
  type Resource,
  referredId,
  stages,
  templateFor,
} from '../../scripts/template/template.ts';
import { awsMetrics, METRIC_DELAY_SECONDS } from '../support/aws-metrics.ts';
import { captureLog } from '../support/captured-log.ts';
import { metricMath } from '../support/metric-math.ts';
import { publishEverything, publishedMetrics } from '../support/published-metrics.ts';
import { workflow } from '../support/workflow.ts';

const template = templateFor('prod');
const alarms = ofType(template, 'AWS::CloudWatch::Alarm');
const items = (value: Json | undefined): Json[] => [value ?? []].flat();

/** A metric that an alarm watches or calculates with. */
type AlarmMetric = Readonly<Record<'Namespace' | 'MetricName' | 'Dimensions', Json | undefined>>;

const metricsOf = ({ Properties }: Resource): AlarmMetric[] => {
  const metrics = [
    ...(Properties['Metrics'] === undefined ? [Properties] : []),
    ...items(Properties['Metrics']).flatMap((metric) => at(metric, 'MetricStat', 'Metric') ?? []),
  ];
  return metrics.map((metric) => ({
    Namespace: at(metric, 'Namespace'),
    MetricName: at(metric, 'MetricName'),
    Dimensions: at(metric, 'Dimensions'),
  }));
};
const dimensionNames = ({ Dimensions }: AlarmMetric) =>
  items(Dimensions)
    .map((dimension) => String(at(dimension, 'Name')))
    .sort();
/** The resource that an alarm watches; for a custom metric, the function that publishes it. */
const watched = (alarm: Resource) => {
  const [metric] = metricsOf(alarm);
  if (metric?.Namespace !== metricNamespace) return referredId(at(items(metric?.Dimensions)[0], 'Value'));
  return String(metric.MetricName).startsWith('Probe') ? 'ProbePipelineFunction' : 'DispatchImagesFunction';
};
/** Alarms for operators. release.test.ts covers rollback alarms. */
const on = (id: string, metric: string) =>
  alarms
    .filter(([alarm]) => !alarm.endsWith('RollbackAlarm'))
    .filter(([, alarm]) => watched(alarm) === id && alarm.Properties['MetricName'] === metric)
    .map(([, found]) => found);

describe.each(alarms)('%s', (id, alarm) => {
  const { Properties } = alarm;

  it('watches only AWS metrics that exist with these dimensions', () => {
    const metrics = metricsOf(alarm).filter(({ Namespace }) => Namespace !== metricNamespace);
    for (const metric of metrics) {
      expect(awsMetrics[String(metric.Namespace)]?.[String(metric.MetricName)]).toContainEqual(dimensionNames(metric));
    }
  });

  it('is named after what it watches', () => {
    const subject = (watched(alarm) ?? '').replace(/Function$/, '');
    expect(template.resources.has(watched(alarm) ?? '')).toBe(true);
    expect(id).toMatch(new RegExp(`^${subject}[A-Z][A-Za-z]+Alarm$`));
  });

  it('describes the impact, names a runbook that exists, and notifies the alarm topic', () => {
    const [, impact, runbook] =
      /^(.{20,}\.) Runbook: \$\{RunbookUrl\}\/([a-z-]+\.md)$/.exec(
        String(at(Properties['AlarmDescription'], 'Fn::Sub')),
      ) ?? [];
    expect(impact).toBeDefined();
    expect(existsSync(new URL(`../../docs/runbooks/${runbook}`, import.meta.url)), runbook).toBe(true);
    expect(Properties['AlarmActions']).toEqual([{ Ref: 'AlarmTopic' }]);
    // This alarm fires on missing data.
    expect(Properties['TreatMissingData']).toBe(id === 'ProbePipelineMissingAlarm' ? 'breaching' : 'notBreaching');
  });
});

it.each([...alarms, ...ofType(template, 'AWS::CloudWatch::CompositeAlarm')])(
  '%s is explained in its runbook',
  (id, { Properties }) => {
    const [, page = 'none'] = /([a-z-]+\.md)$/.exec(String(at(Properties['AlarmDescription'], 'Fn::Sub'))) ?? [];
    const text = readFileSync(new URL(`../../docs/runbooks/${page}`, import.meta.url), 'utf8');
    const name = id.replace(/Alarm$/, '');
    expect(text.includes(`\`${name}\``), `docs/runbooks/${page} does not name \`${name}\`: add its row.`).toBe(true);
  },
);

// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html
const bearingTheBeginning = alarms.filter(
  ([, { Properties }]) =>
    Properties['Namespace'] === 'AWS/Lambda' && ['Errors', 'Duration'].includes(String(Properties['MetricName'])),
);

it.each(bearingTheBeginning)(
  '%s evaluates far enough back to include the start of a call that hung until its timeout',
  (_, alarm) => {
    const timeout = numberAt(template.resources.get(watched(alarm) ?? '')?.Properties['Timeout']);
    const [period, periods, needed] = ['Period', 'EvaluationPeriods', 'DatapointsToAlarm'].map((name) =>
      numberAt(alarm.Properties[name]),
    );
    if (period === undefined || periods === undefined || needed === undefined) throw new Error('no number');
    expect(period * periods).toBeGreaterThanOrEqual(timeout + METRIC_DELAY_SECONDS + period * needed);
  },
);

describe.each(stages)('in stage %s, one image that fails on every attempt', (stage) => {
  const { resources } = templateFor(stage);
  const properties = (id: string) => resources.get(id)?.Properties ?? {};
  const baseSeconds = numberAt(
    at(properties('DispatchImagesFunction')['Environment'], 'Variables', 'RETRY_BASE_SECONDS'),
  );
  const tries = numberAt(at(properties('UploadQueue')['RedrivePolicy'], 'maxReceiveCount'));
  const delays = Array.from({ length: tries - 1 }, (_, index) =>
    retryDelaySeconds(index + 1, { baseSeconds, lastAttempt: false, random: 0 }),
  );
  /** Seconds from the first attempt, with the shortest possible delays. */
  const beginnings = Array.from({ length: tries }, (_, index) =>
    delays.slice(0, index).reduce((sum, delay) => sum + delay, 0),
  );

  const callsATry = (functionId: string) =>
    workflow.tasks
      .filter((task) => task.functionId === functionId)
      .map(
        ({ definition }) =>
          1 + (definition.Retry.find(({ ErrorEquals }) => ErrorEquals[0] === 'States.ALL')?.MaxAttempts ?? 0),
      )
      .reduce((sum, calls) => sum + calls, 0);

  it.each<[string, number]>([
    ['DispatchImagesErrorsAlarm', 1],
    ['ImagePipelineFailedAlarm', 1],
    ...workers.map(({ name, takes }): [string, number] => [
      `${name}ErrorsAlarm`,
      callsATry(`${name}Function`) * (takes === 'rendition' ? renditionGroups.length : 1),
    ]),
  ])('does not set off %s, at %i failures per attempt', (id, failures) => {
    const { Threshold, DatapointsToAlarm, Period } = properties(id);
    const period = numberAt(Period);
    for (let offset = 0; offset < period; offset += 1) {
      const minutes = Map.groupBy(beginnings, (begin) => Math.floor((begin + offset) / period));
      const breaching = [...minutes.values()].filter(({ length }) => length * failures > numberAt(Threshold));
      expect(
        breaching.length,
        `${offset} s into a minute. template.yaml: raise Threshold of ${id} until one image cannot breach it, at ${failures} failures an attempt.`,
      ).toBeLessThan(numberAt(DatapointsToAlarm));
    }
  });
});

describe.each(stages)('stage %s', (stage) => {
  const { resources } = templateFor(stage);

  it('has an alarm that fires on the first message in each dead-letter queue', () => {
    const deadLetterQueues = [...resources.values()].flatMap(({ Properties }) => [
      at(Properties['RedrivePolicy'], 'deadLetterTargetArn'),
      ...items(Properties['Targets']).map((target) => at(target, 'DeadLetterConfig', 'Arn')),
    ]);
    const queues = deadLetterQueues.flatMap((queue) => referredId(queue) ?? []);
    expect(queues.length).toBeGreaterThanOrEqual(2);
    for (const queue of queues) {
      expect(
        on(queue, 'ApproximateNumberOfMessagesVisible').map(({ Properties }) => Properties),
        queue,
      ).toEqual([
        expect.objectContaining({ Threshold: 0, ComparisonOperator: 'GreaterThanThreshold', Statistic: 'Maximum' }),
      ]);
    }
  });

  it.each(ofType(templateFor(stage), 'AWS::Serverless::Function'))(
    'has alarms for errors, throttles, duration and concurrency of %s',
    (id, { Properties }) => {
      expect(on(id, 'Errors')).toHaveLength(1);
      expect(on(id, 'Throttles')).toHaveLength(1);
      const [duration] = on(id, 'Duration');
      expect(duration?.Properties).toMatchObject({
        ExtendedStatistic: 'p99',
        Threshold: numberAt(Properties['Timeout']) * 800,
      });
      const [concurrency] = ofType(templateFor(stage), 'AWS::CloudWatch::Alarm').filter(
        ([, alarm]) => watched(alarm) === id && alarm.Properties['MetricName'] === 'ConcurrentExecutions',
      );
      // Near the reserve; back-pressure.test.ts checks that it can be reached.
      const reserve = numberAt(Properties['ReservedConcurrentExecutions']);
      expect(concurrency?.[1].Properties['Threshold']).toBeLessThanOrEqual(reserve);
      expect(concurrency?.[1].Properties['Threshold']).toBeGreaterThan(0.6 * reserve);
    },
  );
});

describe.each(stages)('the probe of stage %s', (stage) => {
  const { resources } = templateFor(stage);
  const properties = (id: string) => resources.get(id)?.Properties ?? {};

  it('raises an alarm when it does not run, only where its schedule is enabled', () => {
    const isOn = properties('ProbeSchedule')['State'] === 'ENABLED';
    expect(isOn).toBe(stage !== 'local');
    expect(properties('ProbePipelineMissingAlarm')).toMatchObject({
      Statistic: 'SampleCount',
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: isOn ? 'breaching' : 'notBreaching',
    });
  });

  it.each([
    ['Failed', 3],
    ['Throttles', 3],
    // A failed probe's metrics may arrive while the next probe is running.
    ['Errors', 4],
  ])('raises an alarm when %s is above zero in two of %d periods, each with one probe', (symptom, periods) => {
    expect(properties('ProbeSchedule')['ScheduleExpression']).toBe('rate(5 minutes)');
    expect(properties(`ProbePipeline${symptom}Alarm`)).toMatchObject({
      Period: 300,
      EvaluationPeriods: periods,
      DatapointsToAlarm: 2,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
    });
  });
});

it('the paging alarm includes a failed and a missing probe', () => {
  const rule = String(at(template.resources.get('UsersAffectedAlarm')?.Properties['AlarmRule'], 'Fn::Sub'));
  expect(rule).toMatch(/\{ProbePipelineFailedAlarm\}.*\{ProbePipelineMissingAlarm\}/s);
});

it('the paging alarm consists of alarms that exist', () => {
  const rule = String(at(template.resources.get('UsersAffectedAlarm')?.Properties['AlarmRule'], 'Fn::Sub'));
  const named = [...rule.matchAll(/\$\{(\w+)\}/g)].map(([, id]) => id);
  expect(named.length).toBeGreaterThan(0);
  for (const id of named) expect(alarms.map(([alarm]) => alarm)).toContain(id);
});

it('alarms go to an encrypted topic that only CloudWatch in this account can publish to', () => {
  const topic = template.resources.get('AlarmTopic');
  expect(topic?.Properties['KmsMasterKeyId']).toEqual({ Ref: 'AlarmKey' });
  const key = template.resources.get('AlarmKey');
  expect(key?.Properties['EnableKeyRotation']).toBe(true);
  for (const [policy, sid] of [
    [at(template.resources.get('AlarmTopicPolicy')?.Properties['PolicyDocument'], 'Statement'), 'PublishAlarms'],
    [at(key?.Properties['KeyPolicy'], 'Statement'), 'CloudWatchPublishes'],
  ] as const) {
    const statement = items(policy).find((candidate) => at(candidate, 'Sid') === sid);
    expect(at(statement, 'Principal')).toEqual({ Service: 'cloudwatch.amazonaws.com' });
    expect(at(statement, 'Condition')).toEqual({ StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } });
  }
});

describe('custom metrics', () => {
  const logged = captureLog();

  it('watched by an alarm are published by the code with the same dimensions', async () => {
    await publishEverything();
    const published = publishedMetrics(logged('log')).map(({ namespace, metric, dimensions }) =>
      [namespace, metric, ...Object.keys(dimensions).sort()].join(' '),
    );
    const own = alarms
      .flatMap(([, alarm]) => metricsOf(alarm))
      .filter(({ Namespace }) => Namespace === metricNamespace);
    expect(own.length).toBeGreaterThan(0);
    for (const metric of own) {
      expect(published).toContain([metric.Namespace, metric.MetricName, ...dimensionNames(metric)].join(' '));
      expect(items(metric.Dimensions)).toEqual([{ Name: 'service', Value: { Ref: 'AWS::StackName' } }]);
    }
  });

  it('have the stack’s name as a dimension, so that two stages in one account do not set off each other’s alarms', () => {
    expect(at(template.functionGlobals['Environment'], 'Variables', 'POWERTOOLS_SERVICE_NAME')).toEqual({
      Ref: 'AWS::StackName',
    });
  });
});

const calculating = alarms.filter(([, { Properties }]) => Properties['Metrics'] !== undefined);

describe.each(calculating)('%s, which uses metric math,', (_, { Properties, Condition }) => {
  const metrics = items(Properties['Metrics']);
  const ids = metrics.map((metric) => String(at(metric, 'Id')));

  it('refers only to metrics that it defines', () => {
    for (const expression of metrics.flatMap((metric) => at(metric, 'Expression') ?? [])) {
      const named = String(expression).match(/\b[a-z]\w*\b/g);
      expect(ids).toEqual(expect.arrayContaining([...new Set(named)]));
    }
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('compares one result with a threshold, or one metric with its anomaly band', () => {
    const returned = metrics.filter((metric) => at(metric, 'ReturnData') !== false);
    const band = metrics.find((metric) => at(metric, 'Id') === Properties['ThresholdMetricId']);
    if (band === undefined) {
      expect(returned).toHaveLength(1);
      expect(Properties['Threshold']).toBeGreaterThan(0);
    } else {
      expect(returned).toHaveLength(2);
      const [, ofMetric] = /^ANOMALY_DETECTION_BAND\((\w+), \d\)$/.exec(String(at(band, 'Expression'))) ?? [];
      expect(ids).toContain(ofMetric);
      expect(Properties['ComparisonOperator']).toMatch(/UpperThreshold$/);
      expect(Properties['Threshold']).toBeUndefined();
    }
  });

  it('is deployed to accounts only, because the emulator has no metric math', () => {
    expect(Condition).toBe('IsAccount');
  });
});

describe('the error rate', () => {
  const rate = (counts: Readonly<Record<string, number>>) => {
    const metrics = items(template.resources.get('ImagePipelineErrorRateAlarm')?.Properties['Metrics']);
    return metricMath(String(metrics.flatMap((metric) => at(metric, 'Expression') ?? [])[0]), counts);
  };

  it.each([
    ['nothing fails', { started: 1000 }, 0],
    ['one image fails all five attempts', { started: 20, failed: 5 }, 0],
    ['two images fail three times each, and there is no other traffic', { started: 6, failed: 6 }, 100],
    ['twenty of a thousand fail, half of them by time', { started: 1000, failed: 10, late: 10 }, 2],
  ])('given %s in five minutes, is %j', async (_, counts, expected) => {
    expect(await rate(counts)).toBe(expected);
  });
});

it('anomaly detection watches upload volume and time to ready, without paging anyone', () => {
  const unusual = calculating.filter(([, { Properties }]) => Properties['ThresholdMetricId'] !== undefined);
  expect(unusual.flatMap(([, alarm]) => metricsOf(alarm).map(({ MetricName }) => MetricName)).sort()).toEqual([
    'NumberOfMessagesSent',
    'UploadToReady',
  ]);
  const rule = JSON.stringify(template.resources.get('UsersAffectedAlarm')?.Properties['AlarmRule']);
  for (const [id] of unusual) expect(rule).not.toContain(id);
});
