import {
  DeleteMessageCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type DomainEvent, emulatedPipeline, eventually } from '../support/emulated-pipeline.ts';
import { photo } from '../support/photos.ts';
import { rolePermissions } from '../support/role-permissions.ts';

const pipeline = emulatedPipeline();
const permission = rolePermissions(pipeline);
let heard: () => Promise<DomainEvent[]>;

beforeAll(async () => {
  await pipeline.queueIsEmpty();
  heard = await pipeline.subscribe();
});
afterEach(permission.giveBack);
afterAll(async () => {
  await pipeline.sqs.send(new PurgeQueueCommand({ QueueUrl: pipeline.deadLetterQueueUrl }));
});

const deadLetters = (count: number) =>
  eventually(`${count} dead letter(s)`, async () =>
    (await pipeline.messagesIn(pipeline.deadLetterQueueUrl)) === count ? true : undefined,
  );

/** What StartMessageMoveTask does in an account; the emulator does not know it. */
const redrive = () =>
  eventually('the dead letter', async () => {
    const from = pipeline.deadLetterQueueUrl;
    const { Messages: [message] = [] } = await pipeline.sqs.send(new ReceiveMessageCommand({ QueueUrl: from }));
    if (message === undefined) return undefined;
    await pipeline.sqs.send(new SendMessageCommand({ QueueUrl: pipeline.queueUrl, MessageBody: message.Body }));
    await pipeline.sqs.send(new DeleteMessageCommand({ QueueUrl: from, ReceiptHandle: message.ReceiptHandle }));
    return true;
  });

it('an upload that the pipeline cannot work on ends as a dead letter, a record and an event, and a redrive repairs it', async () => {
  const key = 'unlucky.jpg';
  await permission.takeAway('ResizeImage', 'WriteRenditions', 's3:PutObject');
  await pipeline.put(key, photo('rocket.jpg'));

  const failed = await pipeline.recordWhen(key, ({ outcome }) => outcome === 'failed');
  expect(failed).toMatchObject({ outcome: 'failed', message: expect.stringContaining('s3:PutObject') });
  await deadLetters(1);
  expect((await heard()).map((event) => event['detail-type'])).toEqual(['ImageFailed']);

  await permission.giveBack();
  await redrive();
  await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
  await deadLetters(0);
  expect((await heard()).map((event) => event['detail-type'])).toEqual(['ImageFailed', 'ImageProcessed']);
});

it('an upload that fails takes nothing from the image that it was to replace', async () => {
  const key = 'replaced-in-vain.jpg';
  await pipeline.put(key, photo('rocket.jpg'));
  const shown = await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
  const keys = await pipeline.renditionKeys(key);
  await permission.takeAway('ResizeImage', 'WriteRenditions', 's3:PutObject');
  await pipeline.put(key, photo('flowers-iphone5-gps-small.jpg'));
  const failed = await pipeline.recordWhen(key, ({ outcome }) => outcome === 'failed');
  expect(shown.outcome === 'processed' && failed.outcome === 'failed' && failed.renditions).toEqual(
    shown.outcome === 'processed' && shown.renditions,
  );
  expect(await pipeline.renditionKeys(key)).toEqual(keys);
  await deadLetters(1);
  await permission.giveBack();
  await redrive();
  await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
});

it('a message that nobody understands ends in the dead-letter queue, and its neighbours do not', async () => {
  await Promise.all([
    pipeline.sqs.send(new SendMessageCommand({ QueueUrl: pipeline.queueUrl, MessageBody: '{"Records":[]}' })),
    ...[1, 2, 3].map((neighbour) => pipeline.put(`neighbour-${neighbour}.jpg`, photo('rocket.jpg'))),
  ]);
  for (const neighbour of [1, 2, 3])
    await pipeline.recordWhen(`neighbour-${neighbour}.jpg`, ({ outcome }) => outcome === 'processed');
  await deadLetters(1);
  await pipeline.queueIsEmpty();
});
