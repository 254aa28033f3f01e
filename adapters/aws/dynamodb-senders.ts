import { ConditionalCheckFailedException, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { sha256 } from '../../core/image.ts';
import type { SendersInProgress } from '../../core/ports.ts';

/**
 * Each sender is counted anew so often: a dispatcher that was killed cannot subtract what it added, and this forgets it.
 * Longer than a dispatcher may run, so that at most two windows overlap: a sender then has twice the limit for a moment.
 */
export const WINDOW_SECONDS = 360;

/** One item for each sender and window, in the table that forgets old items. */
export function dynamoDbSenders({
  client,
  tableName,
  most,
}: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Uploads of one sender in progress at once. */
  readonly most: number;
}): SendersInProgress {
  return {
    async begin(sender) {
      const window = Math.floor(Date.now() / 1000 / WINDOW_SECONDS);
      // A hash, because the name of a sender may be personal data, and this table is not searched when someone is erased.
      const name = await sha256(new TextEncoder().encode(sender));
      const item = { TableName: tableName, Key: { id: { S: `sender#${name}#${window}` } } };
      try {
        await client.send(
          new UpdateItemCommand({
            ...item,
            UpdateExpression: 'ADD running :one SET expiration = :end',
            ConditionExpression: 'attribute_not_exists(running) OR running < :most',
            ExpressionAttributeValues: {
              ':one': { N: '1' },
              ':most': { N: String(most) },
              ':end': { N: String((window + 2) * WINDOW_SECONDS) },
            },
          }),
        );
      } catch (error) {
        if (isTooMany(error)) return undefined;
        throw error;
      }
      return {
        async end() {
          const less = { UpdateExpression: 'ADD running :less', ExpressionAttributeValues: { ':less': { N: '-1' } } };
          // The upload is decided. If this fails, the sender has one less until the window ends.
          await client.send(new UpdateItemCommand({ ...item, ...less })).catch(() => undefined);
        },
      };
    },
  };
}

/** DynamoDB throttles an item that is written a thousand times in a second: only a flood does that. */
function isTooMany(error: unknown): boolean {
  if (error instanceof ConditionalCheckFailedException) return true;
  return error instanceof Error && /^(ProvisionedThroughputExceeded|Throttling)Exception$/.test(error.name);
}
