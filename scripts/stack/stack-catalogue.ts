import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoDbCatalogue } from '../../adapters/aws/dynamodb-catalogue.ts';
import { output, type StackOutputs } from '../local/deploy.ts';

/** The records of a stack. */
export function stackCatalogue(client: DynamoDBClient, outputs: StackOutputs) {
  return dynamoDbCatalogue({
    client: DynamoDBDocumentClient.from(client),
    tableName: output(outputs, 'ImageTableName'),
  });
}
