import {
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { readQueue } from '../stack/queues.ts';
import { temporaryName, type Verification, waitFor } from './verification.ts';

export interface TemporaryQueue {
  readonly arn: string;
  /** The first message that `read` accepts. @throws if there is none in time */
  receive<Found>(what: string, minutes: number, read: (body: string) => Found | undefined): Promise<Found>;
}

/** A queue to which a service may send on behalf of one resource. It is deleted when the check ends. */
export async function temporaryQueue(
  verification: Verification,
  name: string,
  { service, sourceArn, keyId }: { readonly service: string; readonly sourceArn: string; readonly keyId?: string },
): Promise<TemporaryQueue> {
  const { stack, undo } = verification;
  const { sqs } = stack.clients;
  const QueueName = `${temporaryName(verification)}-${name}`;
  const Statement = {
    Effect: 'Allow',
    Principal: { Service: service },
    Action: 'sqs:SendMessage',
    Resource: '*',
    Condition: { ArnEquals: { 'aws:SourceArn': sourceArn } },
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  const created = await sqs.send(
    new CreateQueueCommand({ QueueName, Attributes: { Policy, ...(keyId && { KmsMasterKeyId: keyId }) } }),
  );
  const QueueUrl = z.string().parse(created.QueueUrl);
  undo.add(`The queue ${QueueName}`, () => sqs.send(new DeleteQueueCommand({ QueueUrl })));
  const { arn } = await readQueue(sqs, QueueUrl);
  return {
    arn,
    receive: (what, minutes, read) =>
      waitFor(verification, { what, minutes }, async () => {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
        );
        for (const { Body = '', ReceiptHandle } of Messages) {
          await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
          const found = read(Body);
          if (found !== undefined) return found;
        }
        return undefined;
      }),
  };
}
