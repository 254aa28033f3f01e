import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoDbClient } from '../../../adapters/aws/aws-clients.ts';
import { text } from '../../../adapters/contracts/zod.ts';
import { readEnvironment } from '../../../adapters/lambda/environment.ts';
import { dynamoDbImages } from '../../adapters/aws/dynamodb-images.ts';
import { publicOperation } from '../../adapters/lambda/api-operation.ts';
import { checkHealth } from '../../core/images-api.ts';

const env = readEnvironment({ IMAGE_TABLE: text });
const client = DynamoDBDocumentClient.from(dynamoDbClient());
const ports = { images: dynamoDbImages({ client, tableName: env.IMAGE_TABLE }) };

export const handler = publicOperation(() => checkHealth(ports));
