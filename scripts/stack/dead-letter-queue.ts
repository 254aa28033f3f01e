/** The two queues of what nobody takes any more: looked at without a trace, and emptied into the upload queue. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { parseS3Event } from '../../adapters/contracts/s3-event.ts';
import type { UploadEvent } from '../../core/image.ts';
import { Failure } from '../terminal/failure.ts';

export const deadLetterQueueNames = ['uploads', 'undelivered'] as const;
export type DeadLetterQueueName = (typeof deadLetterQueueNames)[number];

/** The names in template.yaml, without and with `Url` those of resource and output. */
export const resourceOf: Readonly<Record<DeadLetterQueueName, string>> = {
  uploads: 'UploadDeadLetterQueue',
  undelivered: 'UndeliveredEventQueue',
};

interface Received {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  /** What EventBridge says of an event that it could not deliver. */
  readonly deliveryError: string | undefined;
}
export type ReadableLetter = Received & { readonly event: UploadEvent };
export type DeadLetter = ReadableLetter | (Received & { readonly event: undefined });

/** A message that is back in the upload queue. */
export interface Forwarded {
  /** The id that it has there, and in a dead-letter queue should it end there again; SQS does not tell it of what it moves itself. */
  readonly newMessageId: string | undefined;
  readonly event: UploadEvent;
}

// SQS's largest batch.
const batchSize = 10;
const moveTaskPause = 1_000;
// Longer than it takes to read some thousands; what a killed program held is to be seen again after it.
const hiddenSeconds = 120;

/**
 * `moveAll` leaves the move to SQS, which goes on should we be killed, but takes no dead-letter queue of EventBridge, no
 * number of messages, and what nobody can read along. For these, `take` and `forward` receive, send and delete: killed
 * between the last two, a message is there twice, and its repeat does no harm.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
 */
export function deadLetterQueue({
  sqs,
  url,
  destination,
}: {
  readonly sqs: SQSClient;
  readonly url: string;
  /** The URL of the upload queue. */
  readonly destination: string;
}) {
  const receive = async (count: number): Promise<DeadLetter[]> => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: Math.min(count, batchSize),
        VisibilityTimeout: hiddenSeconds,
        // Asks all of SQS's servers; without it a queue may seem empty that is not.
        WaitTimeSeconds: 1,
        MessageAttributeNames: ['ERROR_CODE', 'ERROR_MESSAGE'],
      }),
    );
    return Promise.all(Messages.map(readLetter));
  };

  /** Not seeing them again for two minutes would be the only harm, so this never fails. */
  const showAgain = async (letters: Iterable<Received>): Promise<void> => {
    for (const batch of batchesOf([...letters])) {
      const Entries = batch.map(({ receiptHandle }, index) => ({
        Id: String(index),
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: 0,
      }));
      await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries })).catch(() => undefined);
    }
  };

  return {
    async count(): Promise<number> {
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: url,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      );
      return Object.values(Attributes).reduce((sum, value) => sum + Number(value), 0);
    },

    /**
     * Up to so many of its messages, which are visible again afterwards. Receiving does them no harm: the queue has no
     * redrive of its own that would count it.
     */
    async sample(limit: number): Promise<DeadLetter[]> {
      const letters = new Map<string, DeadLetter>();
      try {
        while (letters.size < limit) {
          const seen = letters.size;
          for (const letter of await receive(limit - letters.size)) letters.set(letter.messageId, letter);
          if (letters.size === seen) break;
        }
      } finally {
        await showAgain(letters.values());
      }
      return [...letters.values()];
    },

    /** Batches of what can be forwarded, hidden meanwhile. The unreadable, and those of `skip`, are left. */
    async *take(limit: number, skip: ReadonlySet<string>): AsyncGenerator<readonly ReadableLetter[]> {
      const left = new Map<string, DeadLetter>();
      const isWanted = (letter: DeadLetter): letter is ReadableLetter =>
        letter.event !== undefined && !skip.has(letter.messageId);
      try {
        for (let taken = 0; taken < limit; ) {
          const batch = await receive(limit - taken);
          if (batch.length === 0) return;
          const readable = batch.filter(isWanted);
          for (const letter of batch.filter((other) => !isWanted(other))) left.set(letter.messageId, letter);
          taken += readable.length;
          if (readable.length > 0) yield readable;
        }
      } finally {
        await showAgain(left.values());
      }
    },

    /**
     * By SQS itself, to the queue that they came from.
     *
     * @throws {Failure} where SQS gives up; what was moved until then stays moved.
     */
    async moveAll(perSecond: number, report: (moved: number) => void): Promise<void> {
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
      );
      const SourceArn = z.string().parse(Attributes.QueueArn);
      await sqs.send(new StartMessageMoveTaskCommand({ SourceArn, MaxNumberOfMessagesPerSecond: perSecond }));
      for (;;) {
        // The newest comes first.
        const { Results: [task] = [] } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn, MaxResults: 1 }));
        report(task?.ApproximateNumberOfMessagesMoved ?? 0);
        if (task?.Status === 'COMPLETED') return;
        if (task?.Status !== 'RUNNING') {
          const reason = task?.FailureReason ?? 'it was cancelled';
          throw new Failure(
            `SQS stopped moving messages (${reason}). Mend that, and run this again: the rest is still there.`,
          );
        }
        await sleep(moveTaskPause);
      }
    },

    /** @throws {Failure} where the upload queue refuses one; the others of the batch are forwarded. */
    async forward(letters: readonly ReadableLetter[]): Promise<(Forwarded & { readonly newMessageId: string })[]> {
      const Entries = letters.map(({ body }, index) => ({ Id: String(index), MessageBody: body }));
      const { Successful = [], Failed: [refused] = [] } = await sqs.send(
        new SendMessageBatchCommand({ QueueUrl: destination, Entries }),
      );
      const sent = Successful.flatMap(({ Id, MessageId = '' }) => {
        const letter = letters[Number(Id)];
        return letter === undefined ? [] : [{ letter, newMessageId: MessageId }];
      });
      if (sent.length > 0) {
        const done = sent.map(({ letter }, index) => ({ Id: String(index), ReceiptHandle: letter.receiptHandle }));
        await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries: done }));
      }
      if (refused !== undefined) {
        await showAgain(letters.filter((letter) => !sent.some((other) => other.letter === letter)));
        throw new Failure(
          `The upload queue takes no message (${refused.Code}: ${refused.Message}). Mend that, and run this again.`,
        );
      }
      return sent.map(({ letter: { event }, newMessageId }) => ({ event, newMessageId }));
    },
  };
}

async function readLetter({ MessageId, ReceiptHandle, Body, MessageAttributes }: Message): Promise<DeadLetter> {
  const said = ['ERROR_CODE', 'ERROR_MESSAGE'].flatMap((name) => MessageAttributes?.[name]?.StringValue ?? []);
  const body = z.string().parse(Body);
  return {
    messageId: z.string().parse(MessageId),
    receiptHandle: z.string().parse(ReceiptHandle),
    body,
    deliveryError: said.length === 0 ? undefined : said.join(': '),
    event: await parseS3Event(body).catch(() => undefined),
  };
}

function batchesOf<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / batchSize) }, (_, batch) =>
    items.slice(batch * batchSize, (batch + 1) * batchSize),
  );
}
