import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import type { TableChange } from '../../core/history.ts';
import { parseTableChanges } from '../contracts/table-change.ts';

/**
 * A Lambda handler for the stream of the image table: one log line per batch. A batch that fails is delivered again as a whole, and so
 * nothing that follows it can overtake it.
 */
export function tableStream(
  record: (changes: readonly TableChange[]) => Promise<{ readonly changes: number; readonly lines: number }>,
) {
  const logger = new Logger();
  return async (event: unknown, context: Context): Promise<void> => {
    logger.addContext(context);
    try {
      logger.info('History recorded', await record(parseTableChanges(event)));
    } catch (error) {
      logger.error('History not recorded; the stream delivers the batch again', { error });
      throw error;
    }
  };
}
