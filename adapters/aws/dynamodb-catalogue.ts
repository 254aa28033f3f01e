import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import type { Catalogue } from '../../core/ports.ts';
import { imageRecord } from '../contracts/image-record.ts';

export function dynamoDbCatalogue({
  client,
  tableName,
}: {
  readonly client: DynamoDBDocumentClient;
  readonly tableName: string;
}): Catalogue {
  return {
    async find(imageId) {
      const { Item } = await client.send(
        new GetCommand({ TableName: tableName, Key: { imageId }, ConsistentRead: true }),
      );
      // The mark of an erased version is no record.
      return Item?.['sequencer'] === undefined ? undefined : imageRecord.parse(Item);
    },
  };
}
