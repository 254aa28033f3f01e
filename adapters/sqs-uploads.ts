import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Logger } from '@aws-lambda-powertools/logger';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { UploadEvent } from '../core/image.ts';
import { parseS3Event } from './s3-event.ts';

/**
 * Takes the messages of a batch side by side, each on its own: those that throw are named in the answer and come again,
 * the others are deleted.
 */
export function forEachUpload(
  batch: SQSEvent,
  context: Context,
  options: { readonly maxReceiveCount: number; readonly logger: Logger },
  take: (event: UploadEvent, options: { readonly lastTry: boolean }) => Promise<void>,
): Promise<SQSBatchResponse> {
  const takeMessage = async (message: SQSRecord) => {
    const lastTry = Number(message.attributes.ApproximateReceiveCount) >= options.maxReceiveCount;
    const event = await parseS3Event(message.body).catch((error: unknown) => {
      const { messageId } = message;
      options.logger.error('Nobody can read this message: it ends in the dead-letter queue', { messageId, error });
      throw error;
    });
    await take(event, { lastTry });
  };
  return processPartialResponse(batch, takeMessage, new BatchProcessor(EventType.SQS), {
    context,
    // Nothing of the batch went well: that counts as an error of the function, so that its alarms see a bad release.
    throwOnFullBatchFailure: true,
  });
}
