import { existsSync } from 'node:fs';
import { Logger } from '@aws-lambda-powertools/logger';
import { describe, expect, it } from 'vitest';
import { probeLog } from '../../adapters/probe-log.ts';
import {
  at,
  type Json,
  numberAt,
  ofType,
  type Resource,
  referredId,
  stages,
  templateFor,
} from '../../scripts/template.ts';
import { emittedMetrics } from '../support/emitted-metrics.ts';

/** By function: what it prints, whatever it is called there. */
const emitted = {
  ProbePipelineFunction: await emittedMetrics(() => {
    const log = probeLog(new Logger());
    const identity = { key: 'darkroom-probe/1.jpg', imageId: 'c0ffee' };
    log({ ...identity, verdict: 'healthy', readyMillis: 1 });
    log({ ...identity, verdict: 'failed', reason: 'late', message: 'There was no record.' });
  }),
};

/**
 * Alarms that can ring: AWS's published metrics, each with the sets of dimensions under which it is published. An alarm
 * on anything else waits for ever and looks healthy.
 */
const published: Readonly<Record<string, Readonly<Record<string, readonly (readonly string[])[]>>>> = {
  // Our own: what the code really emits, so that a typo on either side is found here.
  Darkroom: Object.fromEntries(
    Object.values(emitted)
      .flat()
      .filter(({ namespace }) => namespace === 'Darkroom')
      .map(({ name, dimensions }) => [name, [dimensions]]),
  ),
  // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
  'AWS/Lambda': byMetric(
    ['Errors', 'Throttles', 'Duration', 'ConcurrentExecutions', 'Invocations'],
    [['FunctionName'], ['FunctionName', 'Resource'], ['ExecutedVersion', 'FunctionName', 'Resource']],
  ),
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
  'AWS/SQS': byMetric(
    [
      'ApproximateAgeOfOldestMessage',
      'ApproximateNumberOfMessagesVisible',
      'NumberOfMessagesDeleted',
      'NumberOfMessagesReceived',
    ],
    [['QueueName']],
  ),
  // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html: RuleName alone is the default bus.
  'AWS/Events': byMetric(
    ['FailedInvocations', 'InvocationsFailedToBeSentToDlq', 'InvocationsSentToDlq'],
    [['RuleName']],
  ),
  // https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
  'AWS/States': byMetric(['ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionThrottled'], [['StateMachineArn']]),
  // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
  'AWS/DynamoDB': {
    ...byMetric(['WriteThrottleEvents', 'ReadThrottleEvents'], [['TableName']]),
    ...byMetric(['SystemErrors', 'ThrottledRequests'], [['Operation', 'TableName']]),
  },
};

function byMetric(metrics: readonly string[], dimensions: readonly string[][]): Record<string, readonly string[][]> {
  return Object.fromEntries(metrics.map((metric) => [metric, dimensions]));
}

const template = templateFor('prod');
const alarms = ofType(template, 'AWS::CloudWatch::Alarm');
const items = (value: Json | undefined): Json[] => [value ?? []].flat();
/** One of its own, or those that an expression is made of. */
const metrics = ({ Properties }: Resource): Json[] =>
  Properties['Metrics'] === undefined
    ? [Properties]
    : items(Properties['Metrics']).flatMap((entry) => at(entry, 'MetricStat', 'Metric') ?? []);
/** The resource that an alarm is about; of a metric of our own, the function that emits it. */
const watched = (alarm: Resource) => {
  const [metric] = metrics(alarm);
  return at(metric, 'Namespace') === 'Darkroom'
    ? Object.entries(emitted).find(([, own]) => own.some(({ name }) => name === at(metric, 'MetricName')))?.[0]
    : referredId(at(metric, 'Dimensions', 0, 'Value'));
};
const on = (id: string, metric: string) =>
  alarms
    .filter(([, alarm]) => watched(alarm) === id && alarm.Properties['MetricName'] === metric)
    .map(([, found]) => found);

describe.each(alarms)('%s', (id, alarm) => {
  const { Properties } = alarm;

  it('watches a metric that AWS publishes under these dimensions', () => {
    for (const metric of metrics(alarm)) {
      const dimensions = items(at(metric, 'Dimensions')).map((dimension) => String(at(dimension, 'Name')));
      const sets = published[String(at(metric, 'Namespace'))]?.[String(at(metric, 'MetricName'))];
      expect(sets).toContainEqual(dimensions.sort());
    }
  });

  it('means this stack’s own, where the metric is ours', () => {
    if (Properties['Namespace'] !== 'Darkroom') return;
    const service = items(Properties['Dimensions']).map((dimension) => at(dimension, 'Value'));
    expect(service).toEqual([at(template.functionGlobals['Environment'], 'Variables', 'POWERTOOLS_SERVICE_NAME')]);
  });

  it('is named after what it watches', () => {
    const subject = (watched(alarm) ?? '').replace(/Function$/, '');
    expect(template.resources.has(watched(alarm) ?? '')).toBe(true);
    expect(id).toMatch(new RegExp(`^${subject}[A-Z][A-Za-z]+Alarm$`));
  });

  it('says who is hurt, names a runbook that is there, and tells somebody', () => {
    const [, impact, runbook] =
      /^(.{20,}\.) Runbook: \$\{RunbookUrl\}\/([a-z-]+\.md)$/.exec(
        String(at(Properties['AlarmDescription'], 'Fn::Sub')),
      ) ?? [];
    expect(impact).toBeDefined();
    expect(existsSync(new URL(`../../docs/runbooks/${runbook}`, import.meta.url)), runbook).toBe(true);
    expect(Properties['AlarmActions']).toEqual([{ Ref: 'AlarmTopic' }]);
    // Silence is what the one alarm is for.
    expect(Properties['TreatMissingData']).toBe(id === 'ProbePipelineMissingAlarm' ? 'breaching' : 'notBreaching');
  });
});

describe.each(stages)('stage %s', (stage) => {
  const { resources } = templateFor(stage);

  it('rings for the first message in any dead-letter queue', () => {
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
    'watches errors, throttles, duration and concurrency of %s',
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
      expect(concurrency?.[1].Properties['Threshold']).toBe(Properties['ReservedConcurrentExecutions']);
    },
  );
});

describe.each(stages)('the probe of stage %s', (stage) => {
  const { resources } = templateFor(stage);
  const properties = (id: string) => resources.get(id)?.Properties ?? {};

  it('is missed where its schedule is on, and nowhere else', () => {
    const isOn = properties('ProbeSchedule')['State'] === 'ENABLED';
    expect(isOn).toBe(stage !== 'local');
    expect(properties('ProbePipelineMissingAlarm')).toMatchObject({
      Statistic: 'SampleCount',
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: isOn ? 'breaching' : 'notBreaching',
    });
  });

  it.each(['Failed', 'Errors', 'Throttles'])(
    'rings for %s in periods that each have a probe, when two of three do',
    (symptom) => {
      expect(properties('ProbeSchedule')['ScheduleExpression']).toBe('rate(5 minutes)');
      expect(properties(`ProbePipeline${symptom}Alarm`)).toMatchObject({
        Period: 300,
        EvaluationPeriods: 3,
        DatapointsToAlarm: 2,
        Threshold: 0,
        ComparisonOperator: 'GreaterThanThreshold',
      });
    },
  );
});

it('wakes somebody when a probe fails, or none comes', () => {
  const rule = String(at(template.resources.get('UsersHurtAlarm')?.Properties['AlarmRule'], 'Fn::Sub'));
  expect(rule).toMatch(/\{ProbePipelineFailedAlarm\}.*\{ProbePipelineMissingAlarm\}/s);
});

it('wakes somebody only where users are hurt, and by alarms that exist', () => {
  const rule = String(at(template.resources.get('UsersHurtAlarm')?.Properties['AlarmRule'], 'Fn::Sub'));
  const named = [...rule.matchAll(/\$\{(\w+)\}/g)].map(([, id]) => id);
  expect(named.length).toBeGreaterThan(0);
  for (const id of named) expect(alarms.map(([alarm]) => alarm)).toContain(id);
});

it('sends alarms through an encrypted topic to which CloudWatch of this account alone may publish', () => {
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
