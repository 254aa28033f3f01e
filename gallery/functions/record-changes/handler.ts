import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoDbClient } from '../../../adapters/aws/aws-clients.ts';
import { text } from '../../../adapters/contracts/zod.ts';
import { readEnvironment } from '../../../adapters/lambda/environment.ts';
import { apiGatewaySender } from '../../adapters/aws/api-gateway-sender.ts';
import { dynamoDbConnections } from '../../adapters/aws/dynamodb-connections.ts';
import { dynamoDbImages } from '../../adapters/aws/dynamodb-images.ts';
import { liveClient } from '../../adapters/aws/live-client.ts';
import { imageChanges } from '../../adapters/lambda/image-changes.ts';
import { showChange } from '../../core/live.ts';
import { recordChange } from '../../core/record-change.ts';

const env = readEnvironment({
  UPLOAD_BUCKET: text,
  IMAGE_TABLE: text,
  SESSION_TABLE: text,
  LIVE_API_ID: text,
  LIVE_STAGE: text,
  URL_SUFFIX: text,
  AWS_REGION: text,
});
const client = DynamoDBDocumentClient.from(dynamoDbClient(), { marshallOptions: { removeUndefinedValues: true } });
const ports = {
  images: dynamoDbImages({ client, tableName: env.IMAGE_TABLE }),
  now: Date.now,
  pause: (attempt: number) => sleep(Math.random() * 10 * 2 ** Math.min(attempt, 6)),
};
const live = {
  connections: dynamoDbConnections({ client, tableName: env.SESSION_TABLE }),
  sender: apiGatewaySender({
    client: liveClient({
      apiId: env.LIVE_API_ID,
      stage: env.LIVE_STAGE,
      region: env.AWS_REGION,
      domainSuffix: env.URL_SUFFIX,
    }),
  }),
};

export const handler = imageChanges(async (change) => showChange(await recordChange(change, ports), live), {
  uploadBucket: env.UPLOAD_BUCKET,
  logger: new Logger(),
});
