/** Puts events into the overflow queue. It has its own dispatchers, so uploads never wait behind them. */
import { SendMessageBatchCommand, SQSServiceException } from '@aws-sdk/client-sqs';
import { messageOf, type QueuedEvent } from '../../adapters/contracts/queued-event.ts';
import { Failure } from '../terminal/failure.ts';
import { batchesOf } from './batches.ts';
import type { Stack } from './stack.ts';

// SQS's largest batch.
const batchSize = 10;

/** @throws {Failure} if the queue refuses them. */
export async function queueEvents(stack: Stack, events: readonly QueuedEvent[]): Promise<void> {
  for (const batch of batchesOf(events, batchSize)) {
    const Entries = batch.map((event, index) => ({ Id: String(index), ...messageOf(event, stack) }));
    const { Failed: [refused] = [] } = await stack.clients.sqs
      .send(new SendMessageBatchCommand({ QueueUrl: stack.outputs.OverflowQueueUrl, Entries }))
      .catch(explainRefusal);
    if (refused !== undefined) {
      throw new Failure(`The overflow queue rejected an event (${refused.Code}: ${refused.Message}). Run this again.`);
    }
  }
}

/** The queue's policy lets one role send by hand. */
export function explainRefusal(error: unknown): never {
  if (!(error instanceof SQSServiceException) || !error.name.startsWith('AccessDenied')) throw error;
  throw new Failure(
    `The queue accepts no messages from you (${error.message.replace(/\.$/, '')}). ` +
      'Deploy the stack with the ARN of your role as OperatorRoleArn, or run this as that role: docs/runbooks/dead-letters.md, Permissions.',
  );
}
