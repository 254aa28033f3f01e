/** Opens and closes the intake: the event source mappings from the upload queue and the overflow queue to the dispatcher. */
import { GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeRuleCommand, DisableRuleCommand, EnableRuleCommand } from '@aws-sdk/client-eventbridge';
import {
  type EventSourceMappingConfiguration,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { ListExecutionsCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import pWaitFor from 'p-wait-for';
import { Failure } from '../terminal/failure.ts';
import { readIntake } from './queues.ts';
import type { Stack } from './stack.ts';

export interface IntakeStatus {
  /** Lambda's name: Enabled, Disabled, or a transition between them. */
  readonly state: string;
  /** When it was last opened, closed or otherwise changed. */
  readonly since: Date | undefined;
  readonly waiting: number;
  readonly inWork: number;
  readonly retentionSeconds: number;
  /** Age of the oldest waiting message; unknown if CloudWatch has no recent metric. */
  readonly oldestSeconds: number | undefined;
  /** Whether the circuit breaker may close and open the intake; undefined if the stack has no circuit breaker. */
  readonly breaker: 'on' | 'off' | undefined;
}

// A mapping changes its state within seconds; if it takes this long, something is wrong.
const settleMillis = 180_000;

export async function intakeStatus(stack: Stack): Promise<IntakeStatus> {
  const { uploads, waiting, inWork } = await readIntake(stack);
  const { arn, retentionSeconds } = uploads;
  const { State, LastModified } = await mappingOf(stack, arn);
  return {
    ...{ state: State, since: LastModified, waiting, inWork, retentionSeconds },
    oldestSeconds: await oldestSeconds(stack, arn),
    breaker: await breakerState(stack),
  };
}

/** @throws {Failure} while it is paused or changing. */
export async function requireOpenIntake(stack: Stack): Promise<void> {
  const { state } = await intakeStatus(stack);
  if (state === 'Enabled') return;
  const named = stack.emulated ? '' : ` --stack ${stack.name}`;
  throw new Failure(
    `Intake is not open (${state}), so nothing would process the messages. To open it: npm run intake -- resume${named}`,
  );
}

/** Stays paused until `resumeIntake`: an operator's decision takes precedence over the circuit breaker. */
export async function pauseIntake(stack: Stack): Promise<void> {
  const { IntakeBreakerRuleName: Name } = stack.outputs;
  if (Name !== undefined) await stack.clients.events.send(new DisableRuleCommand({ Name }));
  await close(stack);
  await stopBreaker(stack, 'An operator paused intake.');
}

export async function resumeIntake(stack: Stack): Promise<void> {
  await stopBreaker(stack, 'An operator resumed intake.');
  const { IntakeBreakerRuleName: Name } = stack.outputs;
  // Before opening, so that the breaker reacts to anything that happens once intake is open.
  if (Name !== undefined) await stack.clients.events.send(new EnableRuleCommand({ Name }));
  await open(stack);
}

type Mapping = EventSourceMappingConfiguration & { readonly UUID: string; readonly State: string };

/** The dispatcher's mapping: nothing else reads these queues. */
async function mappingOf(stack: Stack, arn: string): Promise<Mapping> {
  const { EventSourceMappings = [] } = await stack.clients.lambda.send(
    new ListEventSourceMappingsCommand({ EventSourceArn: arn }),
  );
  const [found, ...others] = EventSourceMappings;
  if (found?.UUID === undefined || found.State === undefined || others.length > 0) {
    throw new Failure(
      `${arn.split(':').at(-1)} has ${EventSourceMappings.length} event source mappings instead of one: deploy the stack again.`,
    );
  }
  return { ...found, UUID: found.UUID, State: found.State };
}

async function settled(stack: Stack, arn: string): Promise<Mapping> {
  const isSettled = async () => {
    const found = await mappingOf(stack, arn);
    return (found.State === 'Enabled' || found.State === 'Disabled') && pWaitFor.resolveWith(found);
  };
  const message = new Failure(
    `The event source mapping of ${arn.split(':').at(-1)} has been changing for ${settleMillis / 1000} seconds: check it with npm run intake -- status.`,
  );
  return await pWaitFor(isSettled, { interval: 1000, timeout: { milliseconds: settleMillis, message } });
}

async function close(stack: Stack): Promise<void> {
  const { uploads, overflow } = await readIntake(stack);
  for (const { arn } of [uploads, overflow]) {
    const { UUID, State } = await settled(stack, arn);
    if (State === 'Disabled') continue;
    await stack.clients.lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }));
    await settled(stack, arn);
  }
}

/** Opens at full concurrency, even if the circuit breaker has reduced it. */
async function open(stack: Stack): Promise<void> {
  const { uploads, overflow } = await readIntake(stack);
  const changes = [
    { arn: uploads.arn, ScalingConfig: { MaximumConcurrency: stack.outputs.IntakeConcurrency } },
    // The circuit breaker pauses this one, and never reduces it.
    { arn: overflow.arn, ScalingConfig: undefined },
  ];
  for (const { arn, ScalingConfig } of changes) {
    const { UUID, State, ScalingConfig: now } = await settled(stack, arn);
    const isFull = ScalingConfig === undefined || now?.MaximumConcurrency === ScalingConfig.MaximumConcurrency;
    if (State === 'Enabled' && isFull) continue;
    await stack.clients.lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: true, ScalingConfig }));
    await settled(stack, arn);
  }
}

/** If left running, the breaker would open or close the intake on its own schedule. */
async function stopBreaker({ clients: { stepFunctions }, outputs }: Stack, cause: string): Promise<void> {
  if (outputs.IntakeBreakerArn === undefined) return;
  const { executions = [] } = await stepFunctions.send(
    new ListExecutionsCommand({ stateMachineArn: outputs.IntakeBreakerArn, statusFilter: 'RUNNING' }),
  );
  for (const { executionArn } of executions)
    await stepFunctions.send(new StopExecutionCommand({ executionArn, cause }));
}

async function oldestSeconds({ clients }: Stack, queueArn: string): Promise<number | undefined> {
  const { Datapoints = [] } = await clients.cloudWatch.send(
    new GetMetricStatisticsCommand({
      Namespace: 'AWS/SQS',
      MetricName: 'ApproximateAgeOfOldestMessage',
      Dimensions: [{ Name: 'QueueName', Value: queueArn.split(':').at(-1) }],
      // SQS publishes the metric once per minute, a few minutes late.
      StartTime: new Date(Date.now() - 10 * 60_000),
      EndTime: new Date(),
      Period: 60,
      Statistics: ['Maximum'],
    }),
  );
  const [newest] = Datapoints.sort((a, b) => Number(b.Timestamp) - Number(a.Timestamp));
  return newest?.Maximum;
}

async function breakerState({ clients, outputs }: Stack): Promise<IntakeStatus['breaker']> {
  if (outputs.IntakeBreakerRuleName === undefined) return undefined;
  const { State } = await clients.events.send(new DescribeRuleCommand({ Name: outputs.IntakeBreakerRuleName }));
  return State === 'ENABLED' ? 'on' : 'off';
}
