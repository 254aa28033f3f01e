/** Opens and closes the way from the upload queue to the dispatcher: its event source mapping. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import {
  DescribeRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
} from '@aws-sdk/client-eventbridge';
import {
  type EventSourceMappingConfiguration,
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { ListExecutionsCommand, SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { output } from '../local/deploy.ts';
import type { TargetStack } from '../local/target-stack.ts';
import { Failure } from '../terminal/failure.ts';

export interface IntakeStatus {
  /** As Lambda names it: Enabled, Disabled, or on the way there. */
  readonly state: string;
  /** When it was opened or closed, or otherwise changed. */
  readonly since: Date | undefined;
  readonly waiting: number;
  readonly inWork: number;
  readonly retentionSeconds: number;
  /** Of the longest waiting message; unknown where CloudWatch has no metric of it. */
  readonly oldestSeconds: number | undefined;
  /** Whether the circuit breaker may close and open the intake; absent where the stack has none. */
  readonly breaker: 'on' | 'off' | undefined;
}

// AWS speaks of seconds for a mapping to change its state; then something is wrong with it.
const settleMillis = 180_000;

const queueAttributes = z.object({
  QueueArn: z.string(),
  ApproximateNumberOfMessages: z.coerce.number(),
  ApproximateNumberOfMessagesNotVisible: z.coerce.number(),
  MessageRetentionPeriod: z.coerce.number(),
});

export function intakeSwitch({ name, outputs, clientConfig }: Omit<TargetStack, 'emulated'>) {
  const lambda = new LambdaClient(clientConfig);
  const sqs = new SQSClient(clientConfig);
  const events = new EventBridgeClient(clientConfig);
  const stepFunctions = new SFNClient(clientConfig);
  const cloudWatch = new CloudWatchClient(clientConfig);
  const { IntakeBreakerRuleName: ruleName, IntakeBreakerArn: breakerArn } = outputs;

  const queue = async () => {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: output(outputs, 'UploadQueueUrl'), AttributeNames: ['All'] }),
    );
    return queueAttributes.parse(Attributes);
  };

  /** Whoever takes from the queue is the dispatcher. */
  const mapping = async (): Promise<EventSourceMappingConfiguration & { UUID: string; State: string }> => {
    const { QueueArn } = await queue();
    const { EventSourceMappings = [] } = await lambda.send(
      new ListEventSourceMappingsCommand({ EventSourceArn: QueueArn }),
    );
    const [found, ...others] = EventSourceMappings;
    if (found?.UUID === undefined || found.State === undefined || others.length > 0) {
      throw new Failure(
        `${EventSourceMappings.length} event source mappings take from UploadQueue of ${name}, not one: deploy the stack again.`,
      );
    }
    return { ...found, UUID: found.UUID, State: found.State };
  };

  const settled = async () => {
    for (const giveUpAt = performance.now() + settleMillis; ; await sleep(1000)) {
      const found = await mapping();
      if (found.State === 'Enabled' || found.State === 'Disabled') return found;
      if (performance.now() > giveUpAt) {
        throw new Failure(
          `The event source mapping ${found.UUID} has been ${found.State} for ${settleMillis / 1000} seconds: look at it with npm run intake -- status.`,
        );
      }
    }
  };

  const close = async (): Promise<void> => {
    const { UUID, State } = await settled();
    if (State === 'Disabled') return;
    await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }));
    await settled();
  };

  /** In full, whatever a circuit breaker has left of it. */
  const open = async (): Promise<void> => {
    const { UUID, State, ScalingConfig } = await settled();
    const MaximumConcurrency = Number(output(outputs, 'IntakeConcurrency'));
    if (State === 'Enabled' && ScalingConfig?.MaximumConcurrency === MaximumConcurrency) return;
    await lambda.send(
      new UpdateEventSourceMappingCommand({ UUID, Enabled: true, ScalingConfig: { MaximumConcurrency } }),
    );
    await settled();
  };

  /** One that runs would open or close the intake by its own plan. */
  const stopBreaker = async (cause: string): Promise<void> => {
    if (breakerArn === undefined) return;
    const { executions = [] } = await stepFunctions.send(
      new ListExecutionsCommand({ stateMachineArn: breakerArn, statusFilter: 'RUNNING' }),
    );
    for (const { executionArn } of executions)
      await stepFunctions.send(new StopExecutionCommand({ executionArn, cause }));
  };

  const oldestSeconds = async (queueArn: string): Promise<number | undefined> => {
    const { Datapoints = [] } = await cloudWatch.send(
      new GetMetricStatisticsCommand({
        Namespace: 'AWS/SQS',
        MetricName: 'ApproximateAgeOfOldestMessage',
        Dimensions: [{ Name: 'QueueName', Value: queueArn.split(':').at(-1) }],
        // SQS publishes once a minute, some minutes late.
        StartTime: new Date(Date.now() - 10 * 60_000),
        EndTime: new Date(),
        Period: 60,
        Statistics: ['Maximum'],
      }),
    );
    const [newest] = Datapoints.sort((a, b) => Number(b.Timestamp) - Number(a.Timestamp));
    return newest?.Maximum;
  };

  const breaker = async (): Promise<IntakeStatus['breaker']> => {
    if (ruleName === undefined) return undefined;
    const { State } = await events.send(new DescribeRuleCommand({ Name: ruleName }));
    return State === 'ENABLED' ? 'on' : 'off';
  };

  return {
    async status(): Promise<IntakeStatus> {
      const [{ State, LastModified }, attributes] = await Promise.all([mapping(), queue()]);
      return {
        state: State,
        since: LastModified,
        waiting: attributes.ApproximateNumberOfMessages,
        inWork: attributes.ApproximateNumberOfMessagesNotVisible,
        retentionSeconds: attributes.MessageRetentionPeriod,
        oldestSeconds: await oldestSeconds(attributes.QueueArn),
        breaker: await breaker(),
      };
    },

    /** Until `resume`, and whatever the circuit breaker would do: a person's word counts. */
    async pause(): Promise<void> {
      if (ruleName !== undefined) await events.send(new DisableRuleCommand({ Name: ruleName }));
      await close();
      await stopBreaker('A person paused intake.');
    },

    async resume(): Promise<void> {
      await stopBreaker('A person resumed intake.');
      // First, so that the breaker sees what the open intake brings.
      if (ruleName !== undefined) await events.send(new EnableRuleCommand({ Name: ruleName }));
      await open();
    },

    close(): void {
      for (const client of [lambda, sqs, events, stepFunctions, cloudWatch]) client.destroy();
    },
  };
}
