import { randomUUID } from 'node:crypto';
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import {
  CreateQueueCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { ImageRecord } from '../../core/record.ts';
import { findLetters } from '../../scripts/redrive/redrive-stack.ts';
import { readQueue } from '../../scripts/stack/queues.ts';
import { emulatedPipeline, eventually, messageBody } from '../support/emulated-pipeline.ts';
import { photo } from '../support/photos.ts';

/**
 * Another role in the account that forges S3 events. The emulator enforces the queue's policy, but not its
 * RedriveAllowPolicy (test/template/forged-events.test.ts), so here a forged event arrives, and the dispatcher refuses it.
 */

const pipeline = emulatedPipeline();
const { stack } = pipeline;
const isProcessed = ({ outcome }: ImageRecord) => outcome === 'processed';
const forged = (key: string, bucket = pipeline.bucket) =>
  messageBody(bucket, { key, sequencer: 'F'.repeat(32), deleted: 'Permanently Deleted' });

const userName = `neighbour-${randomUUID()}`;
let neighbour: SQSClient;
let restoreRetries: () => Promise<unknown>;
beforeAll(async () => {
  await pipeline.queueIsEmpty();
  await pipeline.sqs.send(new PurgeQueueCommand({ QueueUrl: pipeline.deadLetterQueueUrl }));
  restoreRetries = await pipeline.shortenRetries();
  const { iam } = pipeline;
  await iam.send(new CreateUserCommand({ UserName: userName }));
  const Statement = [{ Effect: 'Allow', Action: 'sqs:*', Resource: '*' }];
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await iam.send(new PutUserPolicyCommand({ UserName: userName, PolicyName: 'queues', PolicyDocument }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: userName }));
  const credentials = z
    .object({ AccessKeyId: z.string(), SecretAccessKey: z.string() })
    .transform(({ AccessKeyId, SecretAccessKey }) => ({ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey }))
    .parse(AccessKey);
  neighbour = new SQSClient({ ...stack.clientConfig, credentials, useQueueUrlAsEndpoint: false });
});
afterAll(async () => {
  await restoreRetries();
  await pipeline.sqs.send(new PurgeQueueCommand({ QueueUrl: pipeline.deadLetterQueueUrl }));
});

describe('a role that may use every queue in the account', () => {
  it.each([
    ['UploadQueue', pipeline.queueUrl],
    ['UndeliveredEventQueue', stack.outputs.UndeliveredEventQueueUrl],
    ['OverflowQueue', stack.outputs.OverflowQueueUrl],
    ['UploadDeadLetterQueue', pipeline.deadLetterQueueUrl],
  ])('cannot send to %s', async (_, QueueUrl) => {
    const send = neighbour.send(new SendMessageCommand({ QueueUrl, MessageBody: forged('victim.jpg') }));
    await expect(send).rejects.toThrow(/explicit deny in a resource-based policy/);
  });

  it('with a forged deletion in the queue, deletes nothing and does not block the next upload', async () => {
    const key = 'victim.jpg';
    await pipeline.put(key, photo('rocket.jpg'));
    const shown = await pipeline.recordWhen(key, isProcessed);
    const renditions = await pipeline.renditionKeys(key);
    const { arn: deadLetterTargetArn } = await readQueue(pipeline.sqs, pipeline.queueUrl);
    const { QueueUrl } = await neighbour.send(
      new CreateQueueCommand({
        QueueName: `neighbour-${randomUUID()}`,
        Attributes: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 1 }) },
      }),
    );
    for (const MessageBody of [forged(key), forged(key, 'elsewhere')])
      await neighbour.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    const receive = () =>
      neighbour.send(new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 0, MaxNumberOfMessages: 10 }));

    const refused = await eventually('two dead letters', async () => {
      await receive();
      const found = await findLetters(stack, ['uploads']);
      return found.length === 2 ? found : undefined;
    });
    expect(refused.map(({ letter }) => letter.event)).toEqual([undefined, undefined]);
    expect(await pipeline.record(key)).toEqual(shown);
    expect(await pipeline.renditionKeys(key)).toEqual(renditions);

    await pipeline.put(key, photo('flowers-iphone5-gps-small.jpg'));
    const next = await pipeline.recordWhen(key, (record) => isProcessed(record) && record.sequencer > shown.sequencer);
    expect(next.outcome).toBe('processed');
  });
});
