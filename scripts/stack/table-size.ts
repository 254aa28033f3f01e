import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import type { Stack } from './stack.ts';

/** Of the table of records, or another one. DynamoDB counts every six hours. */
export async function tableSize({ clients, outputs }: Stack, TableName = outputs.ImageTableName) {
  const { Table } = await clients.dynamoDb.send(new DescribeTableCommand({ TableName }));
  const { ItemCount: images = 0, TableSizeBytes: tableBytes = 0, TableId: tableId = '' } = Table ?? {};
  return { images, tableBytes, tableId };
}
