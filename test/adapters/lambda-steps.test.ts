import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { lambdaSteps } from '../../adapters/aws/lambda-steps.ts';
import { parseS3Event } from '../../adapters/contracts/s3-event.ts';
import { mockClient } from '../support/mock-client.ts';
import { uploadOf } from '../support/upload-events.ts';

const lambda = mockClient(LambdaClient);
const steps = lambdaSteps({ client: new LambdaClient({ region: 'us-east-1' }) });
const task = { correlationId: 'c', image: uploadOf() };
const respondWith = (response: unknown, FunctionError?: string) =>
  lambda.on(InvokeCommand).resolves({
    Payload: Object.assign(new TextEncoder().encode(JSON.stringify(response)), { transformToString: () => '' }),
    ...(FunctionError !== undefined && { FunctionError }),
  });
const payload = () => JSON.parse(String(lambda.commandCalls(InvokeCommand)[0]?.args[0].input.Payload));

beforeEach(() => {
  lambda.reset();
});

it('invokes the given version with the task', async () => {
  respondWith({ outcome: 'removed', count: 2 });
  expect(await steps.removeRenditions('remove:7', { ...task, scope: 'own' })).toMatchObject({ count: 2 });
  expect(lambda.commandCalls(InvokeCommand)[0]?.args[0].input.FunctionName).toBe('remove:7');
  expect(payload()).toEqual({ ...task, scope: 'own' });
});

it('sends the dispatcher a message that parses as the upload', async () => {
  respondWith({ batchItemFailures: [{ itemIdentifier: 'm' }] });
  expect(await steps.dispatch('dispatch:7', task)).toEqual({ undecided: 1 });
  const { imageId: _, ...image } = task.image;
  const event = await parseS3Event(payload().Records[0].body, [task.image.bucket]);
  expect(event).toMatchObject({ change: 'created', correlationId: task.correlationId, image });
});

describe('a function that', () => {
  it('throws causes an error with its message', async () => {
    respondWith({ errorType: 'Error', errorMessage: 'Cannot find module sharp' }, 'Unhandled');
    await expect(steps.extractMetadata('extract:7', task)).rejects.toThrow(
      /extract:7 failed.*Cannot find module sharp/,
    );
  });

  it.each([
    ['null', null],
    ['a greeting', 'hello'],
    ['an unknown outcome', { outcome: 'fine' }],
    ['an incomplete response', { outcome: 'processed' }],
  ])('returns %s causes an error that shows the response', async (_, response) => {
    respondWith(response);
    await expect(steps.resizeImage('resize:7', { ...task, group: 'web' })).rejects.toThrow(
      `returned a response of an unexpected shape: ${JSON.stringify(response)}`,
    );
  });
});
