import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import type { BackfillBatch, BackfillStep } from '../../core/backfill-images.ts';
import { backfillBatch, stepOutput } from '../contracts/backfill-batch.ts';

/** A Lambda handler for one step of the backfill workflow: one log line, without keys. */
export function backfillBatches(backfill: (batch: BackfillBatch) => Promise<BackfillStep>) {
  const logger = new Logger();
  return async (input: unknown, context: Context): Promise<ReturnType<typeof stepOutput>> => {
    logger.addContext(context);
    try {
      const step = await backfill(backfillBatch.parse(input));
      const { outcome, waitSeconds, items, counts } = step;
      logger.info('Backfill step done', { outcome, waitSeconds, left: items.length, ...counts });
      return stepOutput(step);
    } catch (error) {
      logger.error('Backfill step failed; the workflow retries it', { error });
      throw error;
    }
  };
}
