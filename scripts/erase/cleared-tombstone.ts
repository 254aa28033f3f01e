import type { ImageRecord } from '../../core/record.ts';

/** In the correlation id of a tombstone whose image was erased: the former one leads to log lines with the key. */
export const ERASED = 'erased';

/** Takes the key out of a tombstone, unless the record has changed since it was read. */
export function clearedTombstone({ sequencer }: Pick<ImageRecord, 'sequencer'>) {
  return {
    UpdateExpression: 'SET correlationId = :erased REMOVE #key',
    ConditionExpression: 'sequencer = :sequencer AND outcome = :deleted AND announced = :yes',
    ExpressionAttributeNames: { '#key': 'key' },
    ExpressionAttributeValues: {
      ...{ ':erased': ERASED, ':sequencer': sequencer, ':deleted': 'deleted', ':yes': true },
    },
  };
}
