import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { ChangeMessageVisibilityCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { sha256, type UploadEvent } from '../../core/image.ts';
import { metricNamespace } from '../../core/names.ts';
import { retryDelaySeconds } from '../../core/retry-delay.ts';
import { parseUploadEvent } from '../contracts/upload-event.ts';

interface UploadQueueOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  /** Where uploads of a sender wait that has too many in progress. Its messages come to the same handler. */
  readonly overflowUrl: string;
  /** The stack's own, and the adopted one. Events of any other bucket are forged. */
  readonly uploadBuckets: readonly string[];
  readonly maxReceiveCount: number;
  readonly retryBaseSeconds: number;
  readonly logger: Logger;
}

/** How the queue delivered an event. */
export interface Delivery {
  /** The queue delivers the message no more: if it fails now, it goes to the dead-letter queue. */
  readonly lastAttempt: boolean;
  readonly context: Context;
  /** Moves the event to the overflow queue. Absent if it comes from there, or from a release check, which waits for it. */
  readonly setAside?: ((sender: string) => Promise<void>) | undefined;
  /** It was sent to the queue long after its event: it is back from a dead-letter queue. */
  readonly redriven?: boolean | undefined;
}

/** Less than five failed attempts take, and more than EventBridge takes to deliver. */
export const REDRIVEN_AFTER_SECONDS = 300;

/** Throws if there is no decision: the queue then delivers the message again. */
export type HandleUpload = (event: UploadEvent, delivery: Delivery) => Promise<unknown>;

/**
 * A Lambda handler for the upload queue and the overflow queue. Handles the messages of a batch in parallel, independently
 * of each other: those that fail return to their queue and are delivered again later, the others are deleted.
 */
export function sqsUploads(
  handle: HandleUpload,
  { client, queueUrl, overflowUrl, uploadBuckets, maxReceiveCount, retryBaseSeconds, logger }: UploadQueueOptions,
) {
  const metrics = new Metrics({ namespace: metricNamespace });
  const read = (message: SQSRecord): Promise<UploadEvent> =>
    parseUploadEvent(message.body, uploadBuckets).catch((error: unknown) => {
      logger.error('The message is no event of an upload bucket; it will go to the dead-letter queue', {
        messageId: message.messageId,
        error,
      });
      // No await in between: the messages of a batch share `metrics`.
      metrics.addMetric('EventsRefused', MetricUnit.Count, 1);
      metrics.addMetadata('messageId', message.messageId).publishStoredMetrics();
      throw error;
    });

  const isFrom = (url: string, { eventSourceARN }: SQSRecord) =>
    eventSourceARN.split(':').at(-1) === new URL(url).pathname.split('/').at(-1);

  const setAside = async (MessageBody: string, sender: string) => {
    // On a standard queue the group changes no order: SQS delivers the messages of quiet groups first (fair queues).
    // Hashed, because a group's name may contain neither spaces nor letters beyond ASCII.
    const MessageGroupId = await sha256(new TextEncoder().encode(sender));
    await client.send(new SendMessageCommand({ QueueUrl: overflowUrl, MessageBody, MessageGroupId }));
  };

  const retryLater = async (
    message: SQSRecord,
    receives: number,
    lastAttempt: boolean,
    correlationId: string | undefined,
  ) => {
    const { messageId, receiptHandle } = message;
    const VisibilityTimeout = retryDelaySeconds(receives, {
      baseSeconds: retryBaseSeconds,
      lastAttempt,
      random: Math.random(),
    });
    const command = new ChangeMessageVisibilityCommand({
      QueueUrl: isFrom(overflowUrl, message) ? overflowUrl : queueUrl,
      ReceiptHandle: receiptHandle,
      VisibilityTimeout,
    });
    await client.send(command).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      logger.warn('The retry delay could not be set; the queue’s visibility timeout applies', {
        correlation_id: correlationId,
        messageId,
        reason,
      });
    });
  };

  return (batch: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    logger.addContext(context);
    const handleMessage = async (message: SQSRecord) => {
      const receives = Number(message.attributes.ApproximateReceiveCount);
      const lastAttempt = receives >= maxReceiveCount;
      let event: UploadEvent | undefined;
      try {
        event = await read(message);
        const aside = isFrom(queueUrl, message) ? (sender: string) => setAside(message.body, sender) : undefined;
        const sentAfter = Number(message.attributes.SentTimestamp) - Date.parse(event.occurredAt);
        const redriven = sentAfter > 1000 * REDRIVEN_AFTER_SECONDS;
        await handle(event, { lastAttempt, context, setAside: aside, redriven });
      } catch (error) {
        await retryLater(message, receives, lastAttempt, event?.correlationId);
        throw error;
      }
    };
    return processPartialResponse(batch, handleMessage, new BatchProcessor(EventType.SQS), {
      context,
      // If every message of the batch failed, the invocation counts as an error, so that the alarms detect a bad release.
      throwOnFullBatchFailure: true,
    });
  };
}
