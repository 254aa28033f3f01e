import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoDbClient } from '../../../adapters/aws/aws-clients.ts';
import * as z from '../../../adapters/contracts/zod.ts';
import { positiveInteger, readEnvironment } from '../../../adapters/lambda/environment.ts';
import { cloudFrontCookies, noCookies } from '../../adapters/aws/cloudfront-cookies.ts';
import { dynamoDbAllowance } from '../../adapters/aws/dynamodb-allowance.ts';
import { dynamoDbImages } from '../../adapters/aws/dynamodb-images.ts';
import { apiOperation, withCookies } from '../../adapters/lambda/api-operation.ts';
import { listImages } from '../../core/images-api.ts';

const env = readEnvironment({
  IMAGE_TABLE: z.text,
  SESSION_TABLE: z.text,
  PER_MINUTE: positiveInteger,
  COOKIE_KEY_SECRET: z.optional(z.text),
});
const client = DynamoDBDocumentClient.from(dynamoDbClient());
const ports = { images: dynamoDbImages({ client, tableName: env.IMAGE_TABLE }) };
const rate = { allowance: dynamoDbAllowance({ client, tableName: env.SESSION_TABLE }), perMinute: env.PER_MINUTE };

const cookies =
  env.COOKIE_KEY_SECRET === undefined
    ? noCookies
    : cloudFrontCookies({ client: new SecretsManagerClient(), secretId: env.COOKIE_KEY_SECRET });

export const handler = withCookies(
  apiOperation('listImages', rate, ({ owner, query }) => listImages(owner, query, ports)),
  cookies,
);
