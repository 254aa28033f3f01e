import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Logger } from '@aws-lambda-powertools/logger';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Change } from '../../core/gallery-image.ts';
import { parseImageChange } from '../contracts/image-change.ts';

/** A Lambda handler for ChangeQueue. Messages that fail return to the queue; the others are deleted. */
export function imageChanges(
  record: (change: Change) => Promise<unknown>,
  { uploadBucket, logger }: { readonly uploadBucket: string; readonly logger: Logger },
) {
  return (batch: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    logger.addContext(context);
    const handleMessage = async ({ body, messageId }: SQSRecord) => {
      try {
        const change = await parseImageChange(body, uploadBucket);
        if (change !== undefined) await record(change);
      } catch (error) {
        logger.error('The event could not be recorded; the queue delivers it again', { messageId, error });
        throw error;
      }
    };
    return processPartialResponse(batch, handleMessage, new BatchProcessor(EventType.SQS), {
      context,
      // One after another: changes of one person would only wait for each other.
      processInParallel: false,
      // If every message of the batch failed, the invocation counts as an error, so that the alarms detect a bad release.
      throwOnFullBatchFailure: true,
    });
  };
}
