import { GetQueueAttributesCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { OverflowQueue } from '../../core/ports.ts';
import { eventOf, messageOf } from '../contracts/queued-event.ts';

export function sqsOverflowQueue({
  client,
  queueUrl: QueueUrl,
  emulated,
}: {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly emulated: boolean;
}): OverflowQueue {
  return {
    async waiting() {
      const { Attributes } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
      );
      const waiting = Number(Attributes?.ApproximateNumberOfMessages);
      if (!Number.isInteger(waiting)) throw new Error(`SQS did not say how many messages wait in ${QueueUrl}.`);
      return waiting;
    },
    // One by one: the emulator asks for a permission for batches that AWS does not have.
    async send(repairs) {
      const messages = repairs.map((repair) => messageOf(eventOf(repair), { emulated }));
      await Promise.all(messages.map((message) => client.send(new SendMessageCommand({ QueueUrl, ...message }))));
    },
  };
}
