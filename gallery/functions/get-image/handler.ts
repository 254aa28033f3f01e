import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoDbClient } from '../../../adapters/aws/aws-clients.ts';
import { text } from '../../../adapters/contracts/zod.ts';
import { positiveInteger, readEnvironment } from '../../../adapters/lambda/environment.ts';
import { dynamoDbAllowance } from '../../adapters/aws/dynamodb-allowance.ts';
import { dynamoDbImages } from '../../adapters/aws/dynamodb-images.ts';
import { apiOperation } from '../../adapters/lambda/api-operation.ts';
import { getImage } from '../../core/images-api.ts';

const env = readEnvironment({ IMAGE_TABLE: text, SESSION_TABLE: text, PER_MINUTE: positiveInteger });
const client = DynamoDBDocumentClient.from(dynamoDbClient());
const ports = { images: dynamoDbImages({ client, tableName: env.IMAGE_TABLE }) };
const rate = { allowance: dynamoDbAllowance({ client, tableName: env.SESSION_TABLE }), perMinute: env.PER_MINUTE };

export const handler = apiOperation('getImage', rate, ({ owner, path, ifNoneMatch }) =>
  getImage(owner, { ...path, ifNoneMatch }, ports),
);
