import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient, ListEventSourceMappingsCommand } from '@aws-sdk/client-lambda';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { intakeCommand } from '../../scripts/intake/intake.ts';
import { describeIntake } from '../../scripts/intake/intake-report.ts';
import { type IntakeStatus, requireOpenIntake } from '../../scripts/stack/intake-switch.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedStack } from '../support/mocked-stack.ts';

const paused: IntakeStatus = {
  state: 'Disabled',
  since: new Date('2026-01-02T00:00:00Z'),
  waiting: 3,
  inWork: 1,
  retentionSeconds: 604_800,
  oldestSeconds: undefined,
  breaker: undefined,
};
const described = (changes: Partial<IntakeStatus>) =>
  describeIntake('images-dev', { ...paused, ...changes }, new Date('2026-01-03T00:00:00Z')).join('\n');

describe('the description of intake', () => {
  it.each([
    ['an operator if the breaker is off', { breaker: 'off' }, 'by an operator'],
    ['the breaker if it is on', { breaker: 'on' }, 'by the circuit breaker'],
  ] as const)('says it was paused by %s', (_, changes, words) => {
    expect(described(changes)).toContain(`paused since 2026-01-02T00:00:00.000Z, ${words}`);
  });

  it('says it is open, and mentions a breaker that is off', () => {
    expect(described({ state: 'Enabled', breaker: 'on' })).not.toMatch(/breaker|deleted/);
    expect(described({ state: 'Enabled', breaker: 'off' })).toContain('circuit breaker is off');
  });

  it('says that the state is changing while Lambda changes it', () => {
    expect(described({ state: 'Disabling' })).toContain('changing (Disabling)');
  });

  it('says when the first upload will be deleted, based on the age of the oldest message or else on the pause', () => {
    expect(described({ oldestSeconds: 2 * 86_400 })).toContain('deleted at 2026-01-08T00:00:00.000Z');
    expect(described({})).toContain('deleted at 2026-01-09T00:00:00.000Z');
  });
});

describe('what needs an open intake', () => {
  const lambda = mockClient(LambdaClient);
  const sqs = mockClient(SQSClient);
  const cloudWatch = mockClient(CloudWatchClient);
  const events = mockClient(EventBridgeClient);
  const intakeThatIs = (State: string) => {
    const counts = { ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '0' };
    const Attributes = { QueueArn: 'arn:aws:sqs:eu-west-1:1:queue', MessageRetentionPeriod: '1', ...counts };
    sqs.on(GetQueueAttributesCommand).resolves({ Attributes });
    lambda.on(ListEventSourceMappingsCommand).resolves({ EventSourceMappings: [{ UUID: 'mapping', State }] });
    cloudWatch.on(GetMetricStatisticsCommand).resolves({});
    events.on(DescribeRuleCommand).resolves({ State: 'ENABLED' });
    return mockedStack();
  };

  it('goes on while it is open', async () => {
    await expect(requireOpenIntake(intakeThatIs('Enabled'))).resolves.toBeUndefined();
  });

  it.each(['Disabled', 'Enabling'])('says how to open it while it is %s', async (state) => {
    await expect(requireOpenIntake(intakeThatIs(state))).rejects.toThrow(
      `Intake is not open (${state}), so nothing would process the messages. To open it: npm run intake -- resume --stack images-dev`,
    );
  });
});

describe('npm run intake', () => {
  it.each(['pause', 'resume', 'status'] as const)('accepts %s and a stack', (action) => {
    expect(parsedOptions(intakeCommand, [action, '--stack', 'x'])).toEqual({ arguments: [action], stack: 'x' });
  });

  it('rejects anything else, and suggests the correct action', () => {
    expect(() => parsedOptions(intakeCommand, [])).toThrow("Missing required argument 'action'");
    expect(() => parsedOptions(intakeCommand, ['paus'])).toThrow('Did you mean pause?');
    expect(() => parsedOptions(intakeCommand, ['pause', 'resume'])).toThrow('Too many arguments');
    expect(() => parsedOptions(intakeCommand, ['pause', '--now'])).toThrow("Unknown option '--now'");
  });
});
