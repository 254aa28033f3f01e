import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import type { Stack } from './stack.ts';

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

/** Uploads that wait or are in progress, in the upload queue or set aside in the overflow queue. */
export async function readIntake({ clients: { sqs }, outputs }: Pick<Stack, 'clients' | 'outputs'>) {
  const [uploads, overflow] = await Promise.all([
    readQueue(sqs, outputs.UploadQueueUrl),
    readQueue(sqs, outputs.OverflowQueueUrl),
  ]);
  return {
    uploads,
    overflow,
    waiting: uploads.waiting + overflow.waiting,
    inWork: uploads.inWork + overflow.inWork,
  };
}
