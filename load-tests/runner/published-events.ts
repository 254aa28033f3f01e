/** When the pipeline published the result of each upload, from a queue that receives what consumers receive. */
import { PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, DeleteMessageBatchCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { eventSource } from '../../core/names.ts';
import { readQueue } from '../../scripts/stack/queues.ts';
import type { Stack } from '../../scripts/stack/stack.ts';

const result = z.object({ detail: z.object({ image: z.object({ key: z.string() }) }) });

/** Only on an emulator of the run's own: the queue and the rule end with it. */
export async function subscribeToResults({ clients, outputs }: Stack): Promise<() => Promise<Map<string, number>>> {
  const name = 'load-results';
  const { QueueUrl } = await clients.sqs.send(new CreateQueueCommand({ QueueName: name }));
  const { arn: Arn } = await readQueue(clients.sqs, z.string().parse(QueueUrl));
  const onBus = { EventBusName: outputs.DomainEventBusName };
  const EventPattern = JSON.stringify({ source: [eventSource], 'detail-type': ['ImageProcessed', 'ImageRejected'] });
  await clients.events.send(new PutRuleCommand({ ...onBus, Name: name, EventPattern }));
  await clients.events.send(new PutTargetsCommand({ ...onBus, Rule: name, Targets: [{ Id: 'queue', Arn }] }));

  /** Reads the queue until it is empty. By key, in epoch milliseconds; of several events, the first. */
  return async () => {
    const published = new Map<string, number>();
    for (;;) {
      const { Messages = [] } = await clients.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: 10,
          MessageSystemAttributeNames: ['SentTimestamp'],
        }),
      );
      if (Messages.length === 0) return published;
      for (const { Body = '', Attributes: { SentTimestamp } = {} } of Messages) {
        const { key } = result.parse(JSON.parse(Body)).detail.image;
        published.set(key, Math.min(Number(SentTimestamp), published.get(key) ?? Number.POSITIVE_INFINITY));
      }
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await clients.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    }
  };
}
