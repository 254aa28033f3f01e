import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Allowance } from '../../core/ports.ts';

const WINDOW_SECONDS = 60;

/** One item for each person, operation and minute, in the table that forgets old items. */
export function dynamoDbAllowance({
  client,
  tableName,
  now = Date.now,
}: {
  readonly client: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly now?: () => number;
}): Allowance {
  return {
    async take(owner, what, most) {
      const seconds = now() / 1000;
      const window = Math.floor(seconds / WINDOW_SECONDS);
      try {
        await client.send(
          new UpdateCommand({
            TableName: tableName,
            Key: { owner, item: `allowance#${what}#${window}` },
            UpdateExpression: 'ADD taken :one SET expiresAt = :end',
            ConditionExpression: 'attribute_not_exists(taken) OR taken < :most',
            ExpressionAttributeValues: { ':one': 1, ':most': most, ':end': (window + 2) * WINDOW_SECONDS },
          }),
        );
        return undefined;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return { waitSeconds: Math.max(1, Math.ceil((window + 1) * WINDOW_SECONDS - seconds)) };
      }
    },
  };
}
