import { DeleteCommand, type DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from '../../../adapters/contracts/zod.ts';
import type { Connections } from '../../core/ports.ts';

/** API Gateway closes every connection after two hours. */
const LONGEST_SECONDS = 2 * 3600 + 300;
const PREFIX = 'connection#';

const found = z.array(z.object({ item: z.string() }));

export function dynamoDbConnections({
  client,
  tableName: TableName,
  now = Date.now,
}: {
  readonly client: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly now?: () => number;
}): Connections {
  const seconds = () => Math.floor(now() / 1000);
  const keyOf = (owner: string, connectionId: string) => ({ owner, item: `${PREFIX}${connectionId}` });
  return {
    async list(owner) {
      const { Items } = await client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: '#owner = :owner AND begins_with(#item, :prefix)',
          // DynamoDB may take days to remove what has expired.
          FilterExpression: 'expiresAt > :now',
          ExpressionAttributeNames: { '#owner': 'owner', '#item': 'item' },
          ExpressionAttributeValues: { ':owner': owner, ':prefix': PREFIX, ':now': seconds() },
          ConsistentRead: true,
        }),
      );
      return found.parse(Items).map(({ item }) => item.slice(PREFIX.length));
    },

    async add(owner, connectionId) {
      const Item = { ...keyOf(owner, connectionId), expiresAt: seconds() + LONGEST_SECONDS };
      await client.send(new PutCommand({ TableName, Item }));
    },

    async remove(owner, connectionId) {
      await client.send(new DeleteCommand({ TableName, Key: keyOf(owner, connectionId) }));
    },
  };
}
