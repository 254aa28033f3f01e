import { SFNClient, StartSyncExecutionCommand } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sfnPipeline } from '../../adapters/aws/sfn-pipeline.ts';
import { mockClient } from '../support/mock-client.ts';
import { pipelineInput } from '../support/upload-events.ts';

const stateMachineArn = 'arn:aws:states:us-east-1:123456789012:stateMachine:image-pipeline:live';
const executionArn = 'arn:aws:states:us-east-1:123456789012:express:image-pipeline:7';
const sfn = mockClient(SFNClient);
const pipeline = sfnPipeline({ client: new SFNClient({ region: 'us-east-1' }), stateMachineArn });

const succeedWith = (output: unknown) =>
  sfn.on(StartSyncExecutionCommand).resolves({ status: 'SUCCEEDED', executionArn, output: JSON.stringify(output) });

beforeEach(() => {
  sfn.reset();
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('running the workflow', () => {
  it.each([
    { outcome: 'processed', bytesOut: 1234 },
    { outcome: 'superseded' },
    { outcome: 'vanished' },
    { outcome: 'deleted' },
    { outcome: 'rejected', reason: 'corrupt' },
  ])('given it ends as $outcome, returns that decision', async (decision) => {
    succeedWith(decision);
    expect(await pipeline.run(pipelineInput())).toEqual(decision);
  });

  it('passes the whole event and the trace of this invocation', async () => {
    vi.stubEnv('_X_AMZN_TRACE_ID', 'Root=1-5759e988-bd862e3fe1be46a994272793');
    succeedWith({ outcome: 'processed', bytesOut: 1234 });
    const input = pipelineInput({}, true);
    await pipeline.run(input);
    const [call] = sfn.commandCalls(StartSyncExecutionCommand);
    expect(call?.args[0].input).toMatchObject({
      stateMachineArn,
      traceHeader: 'Root=1-5759e988-bd862e3fe1be46a994272793',
    });
    expect(JSON.parse(call?.args[0].input.input ?? '')).toEqual(input);
  });

  it.each([
    ['58b9f1b1-4c2d-4d4c-8d0a-0e2b3a1c9f77', '58b9f1b1-4c2d-4d4c-8d0a-0e2b3a1c9f77'],
    ['a/b c:d*é', 'a-b-c-d--'],
    ['x'.repeat(100), 'x'.repeat(80)],
  ])('names the execution after the correlation id %s, so that its log can be found', async (id, name) => {
    succeedWith({ outcome: 'processed', bytesOut: 1234 });
    await pipeline.run({ ...pipelineInput(), correlationId: id });
    expect(sfn.commandCalls(StartSyncExecutionCommand)[0]?.args[0].input.name).toBe(name);
  });

  // Step Functions returns HTTP 200 for both.
  it.each(['FAILED', 'TIMED_OUT'] as const)(
    'given status %s, throws and names image, execution and cause',
    async (status) => {
      sfn.on(StartSyncExecutionCommand).resolves({ status, executionArn, error: 'States.Timeout', cause: 'too slow' });
      const { message } = (await pipeline.run(pipelineInput()).catch((thrown: unknown) => thrown)) as Error;
      for (const part of [status, 'uploads/cat.jpg', executionArn, 'States.Timeout', 'too slow'])
        expect(message).toContain(part);
    },
  );

  it.each([
    ['an outcome that no dispatcher may take for a decision', { outcome: 'failed' }],
    ['an unknown outcome', { outcome: 'fine' }],
    ['renditions without their size', { outcome: 'processed' }],
    ['a rejection without a reason', { outcome: 'rejected' }],
    ['no outcome', {}],
    ['nothing', null],
  ])('given it succeeds with %s, throws', async (_, output) => {
    succeedWith(output);
    await expect(pipeline.run(pipelineInput())).rejects.toThrow();
  });

  it('given it succeeds without an output, throws', async () => {
    sfn.on(StartSyncExecutionCommand).resolves({ status: 'SUCCEEDED', executionArn });
    await expect(pipeline.run(pipelineInput())).rejects.toThrow();
  });
});
