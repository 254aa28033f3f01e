/**
 * Puts events into the overflow queue, in S3's own form. It has its own dispatchers, so uploads never wait behind them, and it
 * leads to the same workflow: there is no other way into the pipeline.
 */
import { randomUUID } from 'node:crypto';
import { SendMessageBatchCommand, SQSServiceException } from '@aws-sdk/client-sqs';
import type { UploadAddress } from '../../core/image.ts';
import { Failure } from '../terminal/failure.ts';
import { batchesOf } from './batches.ts';
import type { Stack } from './stack.ts';

export type QueuedEvent = UploadAddress & {
  readonly sequencer: string;
  /** When the bucket changed, as far as it is known; ISO 8601, UTC. */
  readonly occurredAt: string;
} & (
    | {
        readonly change: 'created';
        readonly etag: string;
        readonly size: number;
        readonly versionId?: string | undefined;
      }
    /** As if the key were deleted, not one version of it. */
    | { readonly change: 'deleted' }
  );

/** Among the senders there, all of these are one: if it has many, SQS delivers the messages of the others first. */
const MessageGroupId = 'operator';
// SQS's largest batch.
const batchSize = 10;

/** @throws {Failure} if the queue refuses them. */
export async function queueEvents(stack: Stack, events: readonly QueuedEvent[]): Promise<void> {
  for (const batch of batchesOf(events, batchSize)) {
    const Entries = batch.map((event, index) => ({
      Id: String(index),
      MessageBody: bodyOf(stack, event),
      MessageGroupId,
    }));
    const { Failed: [refused] = [] } = await stack.clients.sqs
      .send(new SendMessageBatchCommand({ QueueUrl: stack.outputs.OverflowQueueUrl, Entries }))
      .catch(explainRefusal);
    if (refused !== undefined) {
      throw new Failure(`The overflow queue rejected an event (${refused.Code}: ${refused.Message}). Run this again.`);
    }
  }
}

function bodyOf({ emulated }: Stack, event: QueuedEvent): string {
  const { bucket, key, sequencer, change } = event;
  const created = change === 'created';
  return JSON.stringify({
    version: '0',
    id: randomUUID(),
    'detail-type': created ? 'Object Created' : 'Object Deleted',
    source: 'aws.s3',
    time: event.occurredAt,
    detail: {
      version: '0',
      bucket: { name: bucket },
      object: {
        ...{ key, sequencer },
        // The emulator's own events have no version id, and a record must name its version as they do.
        ...(created && { etag: event.etag, size: event.size, 'version-id': emulated ? undefined : event.versionId }),
      },
      ...(!created && { 'deletion-type': 'Delete Marker Created' }),
    },
  });
}

/** The queue's policy lets one role send by hand. */
export function explainRefusal(error: unknown): never {
  if (!(error instanceof SQSServiceException) || !error.name.startsWith('AccessDenied')) throw error;
  throw new Failure(
    `The queue accepts no messages from you (${error.message.replace(/\.$/, '')}). ` +
      'Deploy the stack with the ARN of your role as OperatorRoleArn, or run this as that role: docs/runbooks/dead-letters.md, Permissions.',
  );
}
