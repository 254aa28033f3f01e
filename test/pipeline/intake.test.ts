import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteRuleCommand, DescribeRuleCommand, PutRuleCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateStateMachineCommand,
  DeleteStateMachineCommand,
  DescribeExecutionCommand,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { intakeStatus, pauseIntake, resumeIntake } from '../../scripts/stack/intake-switch.ts';
import { emulatedPipeline, eventually } from '../support/emulated-pipeline.ts';
import { photo } from '../support/photos.ts';

const pipeline = emulatedPipeline();
const { stack } = pipeline;

beforeAll(pipeline.queueIsEmpty);
afterAll(() => resumeIntake(stack));

it('while intake is paused, an upload waits in the queue without an attempt, and is processed once intake is resumed', async () => {
  const key = 'waiting.jpg';
  await pauseIntake(stack);
  await pipeline.put(key, photo('rocket.jpg'));
  await eventually('a waiting message', async () => ((await intakeStatus(stack)).waiting === 1 ? true : undefined));
  // Several times as long as it takes the dispatcher to receive a message.
  for (let look = 0; look < 10; look += 1) {
    expect(await intakeStatus(stack)).toMatchObject({ state: 'Disabled', waiting: 1, inWork: 0 });
    await sleep(300);
  }
  expect(await pipeline.record(key)).toBeUndefined();

  await resumeIntake(stack);
  await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
  expect(await intakeStatus(stack)).toMatchObject({ state: 'Enabled' });
});

it('pausing or resuming intake twice has the same effect as once', async () => {
  await pauseIntake(stack);
  await pauseIntake(stack);
  expect(await intakeStatus(stack)).toMatchObject({ state: 'Disabled' });
  await resumeIntake(stack);
  await resumeIntake(stack);
  expect(await intakeStatus(stack)).toMatchObject({ state: 'Enabled' });
});

it('an operator’s pause overrides the circuit breaker: a running execution is stopped, and no new one starts', async () => {
  const { stepFunctions } = stack.clients;
  const rule = 'test-intake-breaker';
  await pipeline.events.send(new PutRuleCommand({ Name: rule, EventPattern: '{"source":["aws.cloudwatch"]}' }));
  const { stateMachineArn } = await stepFunctions.send(
    new CreateStateMachineCommand({
      name: rule,
      roleArn: `arn:aws:iam::000000000000:role/${await pipeline.physicalId('ImagePipelineRole')}`,
      definition: JSON.stringify({ StartAt: 'Hold', States: { Hold: { Type: 'Wait', Seconds: 600, End: true } } }),
    }),
  );
  const outputs = {
    ...stack.outputs,
    IntakeBreakerArn: z.string().parse(stateMachineArn),
    IntakeBreakerRuleName: rule,
  };
  const guarded = { ...stack, outputs };
  try {
    const { executionArn } = await stepFunctions.send(new StartExecutionCommand({ stateMachineArn }));
    expect(await intakeStatus(guarded)).toMatchObject({ state: 'Enabled', breaker: 'on' });

    await pauseIntake(guarded);
    expect(await intakeStatus(guarded)).toMatchObject({ state: 'Disabled', breaker: 'off' });
    const { status } = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
    expect(status).toBe('ABORTED');

    await resumeIntake(guarded);
    expect(await intakeStatus(guarded)).toMatchObject({ state: 'Enabled', breaker: 'on' });
    expect((await pipeline.events.send(new DescribeRuleCommand({ Name: rule }))).State).toBe('ENABLED');
  } finally {
    await stepFunctions.send(new DeleteStateMachineCommand({ stateMachineArn }));
    await pipeline.events.send(new DeleteRuleCommand({ Name: rule }));
  }
});
