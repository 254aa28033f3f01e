import { PurgeQueueCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';
import { causesOf } from '../../scripts/dead-letter-cause.ts';
import { deadLetterQueueNames } from '../../scripts/dead-letter-queue.ts';
import { output } from '../../scripts/deploy.ts';
import { clientConfig } from '../../scripts/emulator.ts';
import { redriveStack } from '../../scripts/redrive-stack.ts';
import { emulatedPipeline, eventually, messageBody } from '../support/emulated-pipeline.ts';
import { photo } from '../support/photos.ts';
import { rolePermissions } from '../support/role-permissions.ts';

const pipeline = emulatedPipeline();
const permission = rolePermissions(pipeline);
const outputs = inject('outputs');
const undeliveredUrl = output(outputs, 'UndeliveredEventQueueUrl');
const letters = redriveStack({ outputs, clientConfig: clientConfig(inject('emulator')), emulated: true });
const quiet = () => undefined;
const unhurried = { max: 100, perSecond: 500 };
const patience = { patienceMillis: 90_000 };

async function emptyDeadLetterQueues(): Promise<void> {
  for (const QueueUrl of [pipeline.deadLetterQueueUrl, undeliveredUrl]) {
    await pipeline.sqs.send(new PurgeQueueCommand({ QueueUrl }));
  }
}
beforeAll(async () => {
  await pipeline.queueIsEmpty();
  await emptyDeadLetterQueues();
});
afterEach(permission.giveBack);
afterAll(async () => {
  await emptyDeadLetterQueues();
  letters.close();
});

const dead = (count: number) =>
  eventually(`${count} dead letter(s)`, async () => ((await letters.count(['uploads'])) === count ? true : undefined));
const causes = async () =>
  causesOf(await letters.look(deadLetterQueueNames)).map(({ text, found }) => [found.length, text]);
const redrive = async () => {
  const moved = await letters.move(deadLetterQueueNames, [], unhurried, quiet);
  const endings = await letters.follow(moved, patience, quiet);
  return endings.map(({ moved: { event }, verdict }) => [event.image.key, verdict]).sort();
};

it('says why messages died, without hiding them, and moves back what can be read', { timeout: 240_000 }, async () => {
  await permission.takeAway('ResizeImage', 'WriteRenditions', 's3:PutObject');
  await pipeline.sqs.send(new SendMessageCommand({ QueueUrl: pipeline.queueUrl, MessageBody: '{"Records":[]}' }));
  await pipeline.put('redriven-1.jpg', photo('rocket.jpg'));
  await pipeline.put('redriven-2.jpg', photo('rocket.jpg'));
  await dead(3);

  const expected = [
    [2, expect.stringContaining('s3:PutObject')],
    [1, expect.stringContaining('No S3 event')],
  ];
  expect(await causes()).toEqual(expected);
  expect(await causes()).toEqual(expected);

  await permission.giveBack();
  expect(await redrive()).toEqual([
    ['redriven-1.jpg', 'processed'],
    ['redriven-2.jpg', 'processed'],
  ]);
  const { Messages = [] } = await pipeline.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: pipeline.deadLetterQueueUrl, VisibilityTimeout: 0 }),
  );
  expect(Messages.map(({ Body }) => Body)).toEqual(['{"Records":[]}']);
});

it('an undelivered event is moved too; what dies again is said to, and is there to be moved once more', {
  timeout: 240_000,
}, async () => {
  await emptyDeadLetterQueues();
  const key = 'undelivered.jpg';
  const { etag, size } = await pipeline.put(key, photo('rocket.jpg'));
  const { sequencer } = await pipeline.recordWhen(key, ({ outcome }) => outcome === 'processed');
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
  expect(await redrive()).toEqual([[key, 'died again']]);
  expect(await causes()).toEqual([[1, expect.stringContaining('workflow itself died')]]);

  await permission.giveBack();
  expect(await redrive()).toEqual([[key, 'processed']]);
  expect(await letters.count(deadLetterQueueNames)).toBe(0);
});

it('moves no more than it is told to', async () => {
  await emptyDeadLetterQueues();
  for (const key of ['gone-1.jpg', 'gone-2.jpg', 'gone-3.jpg']) {
    const MessageBody = messageBody(pipeline.bucket, { key, etag: 'e', size: 1, sequencer: '0055AED6DCD90281E5' });
    await pipeline.sqs.send(new SendMessageCommand({ QueueUrl: undeliveredUrl, MessageBody }));
  }
  const moved = await letters.move(deadLetterQueueNames, [], { max: 2, perSecond: 500 }, quiet);
  expect(await letters.count(deadLetterQueueNames)).toBe(1);
  const endings = await letters.follow(moved, patience, quiet);
  expect(endings.map(({ verdict }) => verdict)).toEqual(['vanished', 'vanished']);
});
