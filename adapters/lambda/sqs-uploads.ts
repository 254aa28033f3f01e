import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Logger } from '@aws-lambda-powertools/logger';
import { ChangeMessageVisibilityCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { retryDelaySeconds } from '../../core/dispatch-images.ts';
import type { UploadEvent } from '../../core/image.ts';
import { parseS3Event } from '../contracts/s3-event.ts';

interface UploadQueueOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly maxReceiveCount: number;
  readonly retryBaseSeconds: number;
  readonly logger: Logger;
}

/** Throws where there is no decision: the message comes again. */
type Take = (event: UploadEvent, options: { readonly lastTry: boolean; readonly context: Context }) => Promise<void>;

/**
 * A Lambda handler for the upload queue: takes the messages of a batch side by side, each on its own. Those that throw are
 * named in the answer and come again after a while, the others are deleted.
 */
export function sqsUploads(
  { client, queueUrl, maxReceiveCount, retryBaseSeconds, logger }: UploadQueueOptions,
  take: Take,
) {
  const read = (message: SQSRecord): Promise<UploadEvent> =>
    parseS3Event(message.body).catch((error: unknown) => {
      logger.error('This message cannot be read: it ends in the dead-letter queue', {
        messageId: message.messageId,
        error,
      });
      throw error;
    });

  const postpone = async (
    { messageId, receiptHandle }: SQSRecord,
    receives: number,
    lastTry: boolean,
    correlationId: string | undefined,
  ) => {
    const VisibilityTimeout = retryDelaySeconds(receives, {
      baseSeconds: retryBaseSeconds,
      lastTry,
      random: Math.random(),
    });
    const command = new ChangeMessageVisibilityCommand({
      QueueUrl: queueUrl,
      ReceiptHandle: receiptHandle,
      VisibilityTimeout,
    });
    await client.send(command).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      logger.warn('The message comes again after the queue’s own visibility timeout', {
        correlation_id: correlationId,
        messageId,
        reason,
      });
    });
  };

  return (batch: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    logger.addContext(context);
    const takeMessage = async (message: SQSRecord) => {
      const receives = Number(message.attributes.ApproximateReceiveCount);
      const lastTry = receives >= maxReceiveCount;
      let event: UploadEvent | undefined;
      try {
        event = await read(message);
        await take(event, { lastTry, context });
      } catch (error) {
        await postpone(message, receives, lastTry, event?.correlationId);
        throw error;
      }
    };
    return processPartialResponse(batch, takeMessage, new BatchProcessor(EventType.SQS), {
      context,
      // Nothing of the batch went well: that counts as an error of the function, so that its alarms see a bad release.
      throwOnFullBatchFailure: true,
    });
  };
}
