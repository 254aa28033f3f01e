import { PurgeQueueCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ImageRecord } from '../../core/record.ts';
import { causesOf } from '../../scripts/redrive/dead-letter-cause.ts';
import { findLetters, followLetters, moveLetters } from '../../scripts/redrive/redrive-stack.ts';
import { countLetters } from '../../scripts/stack/dead-letter-queue.ts';
import { deadLetterQueueNames } from '../../scripts/stack/dead-letter-queue-names.ts';
import { type DomainEvent, emulatedPipeline, eventually, messageBody } from '../support/emulated-pipeline.ts';
import { photo } from '../support/photos.ts';
import { rolePermissions } from '../support/role-permissions.ts';

const pipeline = emulatedPipeline();
const permission = rolePermissions(pipeline);
const { stack } = pipeline;
const undeliveredUrl = stack.outputs.UndeliveredEventQueueUrl;
const quiet = () => undefined;
const unhurried = { max: 100, perSecond: 500 };
const patience = { patienceMillis: 240_000 };

async function emptyDeadLetterQueues(): Promise<void> {
  for (const QueueUrl of [pipeline.deadLetterQueueUrl, undeliveredUrl]) {
    await pipeline.sqs.send(new PurgeQueueCommand({ QueueUrl }));
  }
}
let restoreRetries: () => Promise<unknown>;
beforeAll(async () => {
  await pipeline.queueIsEmpty();
  await emptyDeadLetterQueues();
  restoreRetries = await pipeline.shortenRetries();
});
afterAll(async () => {
  await restoreRetries();
  await permission.restore();
  await emptyDeadLetterQueues();
});

const isProcessed = ({ outcome }: ImageRecord) => outcome === 'processed';
const causes = async () =>
  causesOf(await findLetters(stack, deadLetterQueueNames)).map(({ text, found }) => [found.length, text]);
const redrive = async () => {
  const moved = await moveLetters(stack, deadLetterQueueNames, [], unhurried, quiet);
  const endings = await followLetters(stack, moved, patience, quiet);
  return endings.map(({ moved: { event }, verdict }) => [event.image.key, verdict]).sort();
};

describe('an outage that outlasts all five attempts', () => {
  const [fresh, replaced, unreadable] = ['outage-new.jpg', 'outage-replaced.jpg', '{"Records":[]}'];
  const neighbours = ['neighbour-1.jpg', 'neighbour-2.jpg', 'neighbour-3.jpg'];
  let heard: () => Promise<DomainEvent[]>;
  let shown: ImageRecord;
  let shownKeys: readonly string[];

  beforeAll(async () => {
    await pipeline.put(replaced, photo('rocket.jpg'));
    shown = await pipeline.recordWhen(replaced, isProcessed);
    shownKeys = await pipeline.renditionKeys(replaced);
    await pipeline.sqs.send(new SendMessageCommand({ QueueUrl: pipeline.queueUrl, MessageBody: unreadable }));
    for (const key of neighbours) await pipeline.put(key, photo('rocket.jpg'));
    for (const key of neighbours) await pipeline.recordWhen(key, isProcessed);
    heard = await pipeline.subscribe();

    await permission.takeAway('ResizeImage', 'WriteRenditions', 's3:PutObject');
    await pipeline.put(fresh, photo('rocket.jpg'));
    await pipeline.put(replaced, photo('flowers-iphone5-gps-small.jpg'));
    await eventually('three dead letters', async () =>
      (await countLetters(stack, ['uploads'])) === 3 ? true : undefined,
    );
  });

  it('leaves a dead letter, a record with the reason, and an event', async () => {
    expect(await pipeline.record(fresh)).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('s3:PutObject'),
    });
    const announced = (await heard()).map(({ 'detail-type': type, detail }) => [detail.image.key, type]);
    expect(announced.sort()).toEqual([
      [fresh, 'ImageFailed'],
      [replaced, 'ImageFailed'],
    ]);
  });

  it('does not affect the image that a failed upload was to replace', async () => {
    const failed = await pipeline.record(replaced);
    expect(shown.outcome === 'processed' && failed?.outcome === 'failed' && failed.renditions).toEqual(
      shown.outcome === 'processed' && shown.renditions,
    );
    expect(await pipeline.renditionKeys(replaced)).toEqual(shownKeys);
  });

  it('does not affect other messages in the batch of an unreadable one', async () => {
    for (const key of neighbours) expect(await pipeline.record(key)).toMatchObject({ outcome: 'processed' });
  });

  it('is explained by its dead letters, and listing them does not hide them', async () => {
    const expected = [
      [2, expect.stringContaining('s3:PutObject')],
      [1, expect.stringContaining('No event of this upload bucket')],
    ];
    expect(await causes()).toEqual(expected);
    expect(await causes()).toEqual(expected);
  });

  it('is repaired by a redrive once it is over, and unreadable messages stay', async () => {
    await permission.restore();
    expect(await redrive()).toEqual([
      [fresh, 'processed'],
      [replaced, 'processed'],
    ]);
    for (const key of [fresh, replaced]) expect(await pipeline.record(key)).toMatchObject({ outcome: 'processed' });
    expect((await heard()).map((event) => event['detail-type'])).toEqual([
      ...['ImageFailed', 'ImageFailed'],
      ...['ImageProcessed', 'ImageProcessed'],
    ]);
    const { Messages = [] } = await pipeline.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: pipeline.deadLetterQueueUrl, VisibilityTimeout: 0 }),
    );
    expect(Messages.map(({ Body }) => Body)).toEqual([unreadable]);
  });
});

describe('a redrive', () => {
  afterEach(permission.restore);

  it('also moves an undelivered event; if it fails again, it is reported and can be moved again', async () => {
    await emptyDeadLetterQueues();
    const key = 'undelivered.jpg';
    const { etag, size } = await pipeline.put(key, photo('rocket.jpg'));
    const { sequencer } = await pipeline.recordWhen(key, isProcessed);
    const undelivered = { key, etag, size, sequencer: `${sequencer.slice(0, -1)}1` };
    await pipeline.sqs.send(
      new SendMessageCommand({
        QueueUrl: undeliveredUrl,
        MessageBody: messageBody(pipeline.bucket, undelivered),
        MessageAttributes: { ERROR_CODE: { DataType: 'String', StringValue: 'NO_PERMISSIONS' } },
      }),
    );
    expect(await causes()).toEqual([[1, 'Not delivered: NO_PERMISSIONS']]);

    await permission.takeAway('DispatchImages', 'RunWorkflow', 'states:StartSyncExecution');
    expect(await redrive()).toEqual([[key, 'failed again']]);
    expect(await causes()).toEqual([[1, expect.stringContaining('the workflow failed or never started')]]);

    await permission.restore();
    expect(await redrive()).toEqual([[key, 'processed']]);
    expect(await countLetters(stack, deadLetterQueueNames)).toBe(0);
  });

  it('moves no more messages than requested', async () => {
    await emptyDeadLetterQueues();
    for (const key of ['gone-1.jpg', 'gone-2.jpg', 'gone-3.jpg']) {
      const MessageBody = messageBody(pipeline.bucket, { key, etag: 'e', size: 1, sequencer: '0055AED6DCD90281E5' });
      await pipeline.sqs.send(new SendMessageCommand({ QueueUrl: undeliveredUrl, MessageBody }));
    }
    const moved = await moveLetters(stack, deadLetterQueueNames, [], { max: 2, perSecond: 500 }, quiet);
    expect(await countLetters(stack, deadLetterQueueNames)).toBe(1);
    const endings = await followLetters(stack, moved, patience, quiet);
    expect(endings.map(({ verdict }) => verdict)).toEqual(['vanished', 'vanished']);
  });
});
