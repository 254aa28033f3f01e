/**
 * Reads the two dead-letter queues without side effects, and moves their messages to the upload queue.
 *
 * `moveAllLetters` delegates to SQS, which continues even if this process is killed. But SQS does not support EventBridge's
 * dead-letter queue or a maximum number of messages, and does not report which messages it moved. In those cases,
 * `takeLetters` and `forwardLetters` receive, send and delete. If killed before the delete, a message is in both queues;
 * processing it twice does no harm.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
 */
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  ListMessageMoveTasksCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import pWaitFor from 'p-wait-for';
import * as z from 'zod';
import { parseUploadEvent } from '../../adapters/contracts/upload-event.ts';
import type { ImageId, UploadEvent } from '../../core/image.ts';
import { Failure } from '../terminal/failure.ts';
import { batchesOf } from './batches.ts';
import { type DeadLetterQueueName, deadLetterQueueNames } from './dead-letter-queue-names.ts';
import { explainRefusal } from './queue-events.ts';
import { messagesIn, readQueue } from './queues.ts';
import { physicalId, type Stack, uploadBuckets } from './stack.ts';

/** The logical ids in template.yaml; with `Url`, the outputs. */
export const resourceOf = {
  uploads: 'UploadDeadLetterQueue',
  undelivered: 'UndeliveredEventQueue',
} as const satisfies Record<DeadLetterQueueName, string>;

function urlOf({ outputs }: Stack, queue: DeadLetterQueueName): string {
  return outputs[`${resourceOf[queue]}Url`];
}

interface Received {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  /** EventBridge's error for an event that it could not deliver. */
  readonly deliveryError: string | undefined;
}
export type ReadableLetter = Received & { readonly event: UploadEvent };
export type DeadLetter = ReadableLetter | (Received & { readonly event: undefined });

/** A message that is back in the upload queue. */
export interface Forwarded {
  /** It keeps this id if it fails again. SQS does not report the ids of messages that it moves itself. */
  readonly newMessageId: string | undefined;
  readonly event: UploadEvent;
}

// SQS's largest batch.
const batchSize = 10;
const moveTaskPause = 1_000;
// Long enough to read thousands of messages. If this process is killed, its messages become visible again after this time.
const hiddenSeconds = 120;

export async function countLetters(stack: Stack, queues: readonly DeadLetterQueueName[]): Promise<number> {
  const counts = await Promise.all(queues.map((queue) => messagesIn(stack.clients.sqs, urlOf(stack, queue))));
  return counts.reduce((sum, count) => sum + count, 0);
}

/**
 * Up to `limit` messages, which are made visible again afterwards. Receiving is safe: a dead-letter queue has no redrive
 * policy that counts receives.
 */
export async function sampleLetters(stack: Stack, queue: DeadLetterQueueName, limit: number): Promise<DeadLetter[]> {
  const letters = new Map<string, DeadLetter>();
  try {
    while (letters.size < limit) {
      const seen = letters.size;
      for (const letter of await receive(stack, queue, limit - letters.size)) letters.set(letter.messageId, letter);
      if (letters.size === seen) break;
    }
  } finally {
    await makeVisible(stack, queue, letters.values());
  }
  return [...letters.values()];
}

/** Yields batches of messages to forward, which stay hidden. All others, and unreadable ones, stay in the queue. */
export async function* takeLetters(
  stack: Stack,
  queue: DeadLetterQueueName,
  limit: number,
  toForward: (letter: ReadableLetter) => boolean,
): AsyncGenerator<readonly ReadableLetter[]> {
  const left = new Map<string, DeadLetter>();
  const isWanted = (letter: DeadLetter): letter is ReadableLetter => letter.event !== undefined && toForward(letter);
  try {
    for (let taken = 0; taken < limit; ) {
      const batch = await receive(stack, queue, limit - taken);
      if (batch.length === 0) return;
      const readable = batch.filter(isWanted);
      for (const letter of batch.filter((other) => !isWanted(other))) left.set(letter.messageId, letter);
      taken += readable.length;
      if (readable.length > 0) yield readable;
    }
  } finally {
    await makeVisible(stack, queue, left.values());
  }
}

/** What a dead letter is about, if it is readable. */
interface About {
  readonly imageId: ImageId;
  readonly versionId?: string | undefined;
  readonly sequencer?: string | undefined;
}

/**
 * Reads every message of every dead-letter queue once, also the undelivered domain events, and deletes those that are to be removed.
 * All others are made visible again; if this process is killed, after two minutes. So it first waits for those that another run has hidden.
 *
 * @throws {Failure} if someone else goes on reading them
 */
export async function sweepLetters(stack: Stack, isToRemove: (about: About) => Promise<boolean>): Promise<void> {
  const buckets = uploadBuckets(stack.outputs);
  const uploadOf = async (body: string): Promise<About | undefined> =>
    (await parseUploadEvent(body, buckets).catch(() => undefined))?.image;
  const imageOf = async (body: string) => domainLetter.safeParse(parsed(body)).data;
  for (const queue of deadLetterQueueNames) await sweep(stack, urlOf(stack, queue), uploadOf, isToRemove);
  await sweep(stack, await physicalId(stack, 'UndeliveredDomainEventQueue'), imageOf, isToRemove);
}

async function sweep(
  stack: Stack,
  QueueUrl: string,
  read: (body: string) => Promise<About | undefined>,
  isToRemove: (about: About) => Promise<boolean>,
): Promise<void> {
  const { sqs } = stack.clients;
  await allVisible(sqs, QueueUrl);
  const kept = new Map<string, Received>();
  // Hidden messages appear again after a while: one that was seen before means that all were.
  let isNew = true;
  try {
    while (isNew) {
      const letters = await receiveFrom(stack, QueueUrl, batchSize);
      isNew = letters.some(({ messageId }) => !kept.has(messageId));
      const gone: Received[] = [];
      for (const letter of letters) {
        const about = await read(letter.body);
        if (about !== undefined && (await isToRemove(about))) gone.push(letter);
        else kept.set(letter.messageId, letter);
      }
      if (gone.length === 0) continue;
      const Entries = gone.map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }));
      const { Failed: [refused] = [] } = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
      if (refused !== undefined)
        throw new Failure(`SQS did not delete a dead letter (${refused.Code}: ${refused.Message}). Run this again.`);
    }
  } finally {
    await makeVisibleIn(stack, QueueUrl, kept.values());
  }
}

async function allVisible(sqs: SQSClient, QueueUrl: string): Promise<void> {
  const message = new Failure(
    `Messages of ${QueueUrl.split('/').at(-1)} are still hidden after ${(2 * hiddenSeconds) / 60} minutes, so someone else is reading ` +
      'them. Run this again when they have finished.',
  );
  await pWaitFor(async () => (await readQueue(sqs, QueueUrl)).inWork === 0, {
    interval: 1_000,
    timeout: { milliseconds: 2 * hiddenSeconds * 1000, message },
  });
}

/** Consumers still have to receive that an image was deleted: those letters stay. */
const domainLetter = z
  .object({
    'detail-type': z.string().refine((type) => type !== 'ImageDeleted'),
    detail: z.object({ image: z.object({ id: z.string(), sequencer: z.string() }) }),
  })
  .transform(({ detail: { image } }): About => ({ imageId: image.id, sequencer: image.sequencer }));

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/**
 * Has SQS move all messages back to the queue they came from.
 *
 * @throws {Failure} if SQS gives up; messages moved before that stay moved.
 */
export async function moveAllLetters(
  stack: Stack,
  queue: DeadLetterQueueName,
  perSecond: number,
  report: (moved: number) => void,
): Promise<void> {
  const { sqs } = stack.clients;
  const { arn: SourceArn } = await readQueue(sqs, urlOf(stack, queue));
  await sqs
    .send(new StartMessageMoveTaskCommand({ SourceArn, MaxNumberOfMessagesPerSecond: perSecond }))
    .catch(explainRefusal);
  const isMoved = async (): Promise<boolean> => {
    // SQS lists the newest task first.
    const { Results: [task] = [] } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn, MaxResults: 1 }));
    report(task?.ApproximateNumberOfMessagesMoved ?? 0);
    if (task?.Status === 'RUNNING' || task?.Status === 'COMPLETED') return task.Status === 'COMPLETED';
    const reason = task?.FailureReason ?? 'it was cancelled';
    throw new Failure(
      `SQS stopped moving messages (${reason}). Fix the cause and run this again: the rest are still in the queue.`,
    );
  };
  await pWaitFor(isMoved, { interval: moveTaskPause });
}

/** @throws {Failure} if the upload queue rejects a message; the rest of the batch is forwarded. */
export async function forwardLetters(
  stack: Stack,
  queue: DeadLetterQueueName,
  letters: readonly ReadableLetter[],
): Promise<(Forwarded & { readonly newMessageId: string })[]> {
  const { sqs } = stack.clients;
  const Entries = letters.map(({ body }, index) => ({ Id: String(index), MessageBody: body }));
  const { Successful = [], Failed: [refused] = [] } = await sqs
    .send(new SendMessageBatchCommand({ QueueUrl: stack.outputs.UploadQueueUrl, Entries }))
    .catch(async (error: unknown) => {
      await makeVisible(stack, queue, letters);
      return explainRefusal(error);
    });
  const sent = Successful.flatMap(({ Id, MessageId = '' }) => {
    const letter = letters[Number(Id)];
    return letter === undefined ? [] : [{ letter, newMessageId: MessageId }];
  });
  if (sent.length > 0) {
    const done = sent.map(({ letter }, index) => ({ Id: String(index), ReceiptHandle: letter.receiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: urlOf(stack, queue), Entries: done }));
  }
  if (refused !== undefined) {
    const unsent = letters.filter((letter) => !sent.some((other) => other.letter === letter));
    await makeVisible(stack, queue, unsent);
    throw new Failure(
      `The upload queue rejected a message (${refused.Code}: ${refused.Message}). Fix the cause and run this again.`,
    );
  }
  return sent.map(({ letter: { event }, newMessageId }) => ({ event, newMessageId }));
}

async function receive(stack: Stack, queue: DeadLetterQueueName, count: number): Promise<DeadLetter[]> {
  const letters = await receiveFrom(stack, urlOf(stack, queue), count);
  return await Promise.all(letters.map((letter) => readLetter(letter, uploadBuckets(stack.outputs))));
}

async function receiveFrom(stack: Stack, QueueUrl: string, count: number): Promise<Received[]> {
  const { Messages = [] } = await stack.clients.sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: Math.min(count, batchSize),
      VisibilityTimeout: hiddenSeconds,
      // Long polling queries all SQS servers; without it, a queue may seem empty when it is not.
      WaitTimeSeconds: 1,
      MessageAttributeNames: ['ERROR_CODE', 'ERROR_MESSAGE'],
    }),
  );
  return Messages.map(receivedOf);
}

/** Ignores errors: at worst, the messages stay hidden for two minutes. */
async function makeVisible(stack: Stack, queue: DeadLetterQueueName, letters: Iterable<Received>): Promise<void> {
  await makeVisibleIn(stack, urlOf(stack, queue), letters);
}

async function makeVisibleIn(stack: Stack, QueueUrl: string, letters: Iterable<Received>): Promise<void> {
  for (const batch of batchesOf([...letters], batchSize)) {
    const Entries = batch.map(({ receiptHandle }, index) => ({
      Id: String(index),
      ReceiptHandle: receiptHandle,
      VisibilityTimeout: 0,
    }));
    await stack.clients.sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries })).catch(() => undefined);
  }
}

async function readLetter(letter: Received, buckets: readonly string[]): Promise<DeadLetter> {
  return { ...letter, event: await parseUploadEvent(letter.body, buckets).catch(() => undefined) };
}

function receivedOf({ MessageId, ReceiptHandle, Body, MessageAttributes }: Message): Received {
  const errors = ['ERROR_CODE', 'ERROR_MESSAGE'].flatMap((name) => MessageAttributes?.[name]?.StringValue ?? []);
  return {
    messageId: z.string().parse(MessageId),
    receiptHandle: z.string().parse(ReceiptHandle),
    body: z.string().parse(Body),
    deliveryError: errors.length === 0 ? undefined : errors.join(': '),
  };
}
