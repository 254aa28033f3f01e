import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import type { Stack } from '../../scripts/stack/stack.ts';

/** Creates an empty table with the key of the stack's ImageTable. */
export async function createTableOfImages(stack: Stack, TableName: string): Promise<void> {
  await stack.clients.dynamoDb.send(
    new CreateTableCommand({
      ...{ TableName, BillingMode: 'PAY_PER_REQUEST' },
      AttributeDefinitions: [{ AttributeName: 'imageId', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'imageId', KeyType: 'HASH' }],
    }),
  );
}
