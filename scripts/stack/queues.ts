import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';

const attributes = z
  .object({
    QueueArn: z.string(),
    ApproximateNumberOfMessages: z.coerce.number(),
    ApproximateNumberOfMessagesNotVisible: z.coerce.number(),
    MessageRetentionPeriod: z.coerce.number(),
  })
  .transform((found) => ({
    arn: found.QueueArn,
    waiting: found.ApproximateNumberOfMessages,
    /** Received and hidden: in progress, or waiting for the next attempt. */
    inWork: found.ApproximateNumberOfMessagesNotVisible,
    retentionSeconds: found.MessageRetentionPeriod,
  }));

/** SQS's counts are approximate. */
export async function readQueue(sqs: SQSClient, url: string) {
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }));
  return attributes.parse(Attributes);
}

export async function messagesIn(sqs: SQSClient, url: string): Promise<number> {
  const { waiting, inWork } = await readQueue(sqs, url);
  return waiting + inWork;
}
