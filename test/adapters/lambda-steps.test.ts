import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { lambdaSteps } from '../../adapters/aws/lambda-steps.ts';
import { parseS3Event } from '../../adapters/contracts/s3-event.ts';
import { createdEvent, uploadOf } from '../support/upload-events.ts';

const lambda = mockClient(LambdaClient);
const steps = lambdaSteps({ client: new LambdaClient({ region: 'us-east-1' }) });
const task = { correlationId: 'c', image: uploadOf() };
const answerWith = (answer: unknown, FunctionError?: string) =>
  lambda.on(InvokeCommand).resolves({
    Payload: Object.assign(new TextEncoder().encode(JSON.stringify(answer)), { transformToString: () => '' }),
    ...(FunctionError !== undefined && { FunctionError }),
  });
const payload = () => JSON.parse(String(lambda.commandCalls(InvokeCommand)[0]?.args[0].input.Payload));

beforeEach(() => {
  lambda.reset();
});

it('calls the version that it is told, with the task', async () => {
  answerWith({ outcome: 'removed', count: 2 });
  expect(await steps.removeRenditions('remove:7', { ...task, scope: 'own' })).toMatchObject({ count: 2 });
  expect(lambda.commandCalls(InvokeCommand)[0]?.args[0].input.FunctionName).toBe('remove:7');
  expect(payload()).toEqual({ ...task, scope: 'own' });
});

it('hands the dispatcher a message that it reads as the upload', async () => {
  answerWith({ batchItemFailures: [{ itemIdentifier: 'm' }] });
  const event = createdEvent();
  expect(await steps.dispatch('dispatch:7', event)).toEqual({ undecided: 1 });
  const { imageId, ...image } = event.image;
  expect(await parseS3Event(payload().Records[0].body)).toMatchObject({ ...event, image });
  expect(imageId).toBeDefined();
});

describe('a function that', () => {
  it('throws is an error with what it threw', async () => {
    answerWith({ errorType: 'Error', errorMessage: 'Cannot find module sharp' }, 'Unhandled');
    await expect(steps.extractMetadata('extract:7', task)).rejects.toThrow(
      /extract:7 failed.*Cannot find module sharp/,
    );
  });

  it.each([
    ['null', null],
    ['a greeting', 'hello'],
    ['an outcome that nobody knows', { outcome: 'fine' }],
    ['half an answer', { outcome: 'processed' }],
  ])('answers %s is an error that shows the answer', async (_, answer) => {
    answerWith(answer);
    await expect(steps.resizeImage('resize:7', { ...task, group: 'web' })).rejects.toThrow(
      `gave an answer of an unknown shape: ${JSON.stringify(answer)}`,
    );
  });
});
