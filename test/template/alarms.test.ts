import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
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

/**
 * Alarms that can ring: AWS's published metrics, each with the sets of dimensions under which it is published. An alarm
 * on anything else waits for ever and looks healthy.
 */
const published: Readonly<Record<string, Readonly<Record<string, readonly string[][]>>>> = {
  // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
  'AWS/Lambda': byMetric(
    ['Errors', 'Throttles', 'Duration', 'ConcurrentExecutions', 'Invocations'],
    [['FunctionName'], ['FunctionName', 'Resource'], ['ExecutedVersion', 'FunctionName', 'Resource']],
  ),
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
  'AWS/SQS': byMetric(['ApproximateAgeOfOldestMessage', 'ApproximateNumberOfMessagesVisible'], [['QueueName']]),
  // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html: RuleName alone is the default bus.
  'AWS/Events': byMetric(
    ['FailedInvocations', 'InvocationsFailedToBeSentToDlq', 'InvocationsSentToDlq'],
    [['RuleName']],
  ),
  // https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
  // Version is the number at the end of the version's ARN, for executions started by an alias or a version.
  'AWS/States': {
    ...byMetric(['ExecutionsFailed', 'ExecutionsTimedOut'], [['StateMachineArn'], ['StateMachineArn', 'Version']]),
    ...byMetric(['ExecutionThrottled'], [['StateMachineArn']]),
  },
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
const watched = ({ Properties }: Resource) => referredId(at(items(Properties['Dimensions'])[0], 'Value'));
/** For people to act on; those that roll a release back are in release.test.ts. */
const on = (id: string, metric: string) =>
  alarms
    .filter(([alarm]) => !alarm.endsWith('RollbackAlarm'))
    .filter(([, alarm]) => watched(alarm) === id && alarm.Properties['MetricName'] === metric)
    .map(([, found]) => found);

describe.each(alarms)('%s', (id, alarm) => {
  const { Properties } = alarm;

  it('watches a metric that AWS publishes under these dimensions', () => {
    const dimensions = items(Properties['Dimensions'])
      .map((dimension) => String(at(dimension, 'Name')))
      .sort();
    expect(published[String(Properties['Namespace'])]?.[String(Properties['MetricName'])]).toContainEqual(dimensions);
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
    expect(Properties['TreatMissingData']).toBe('notBreaching');
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
