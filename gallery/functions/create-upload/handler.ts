import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoDbClient, s3Client } from '../../../adapters/aws/aws-clients.ts';
import * as z from '../../../adapters/contracts/zod.ts';
import { positiveInteger, readEnvironment } from '../../../adapters/lambda/environment.ts';
import { defaultLimits } from '../../../core/limits.ts';
import { dynamoDbAllowance } from '../../adapters/aws/dynamodb-allowance.ts';
import { dynamoDbImages } from '../../adapters/aws/dynamodb-images.ts';
import { s3UploadTickets } from '../../adapters/aws/s3-upload-tickets.ts';
import { apiOperation } from '../../adapters/lambda/api-operation.ts';
import { createUpload } from '../../core/images-api.ts';

const env = readEnvironment({
  UPLOAD_BUCKET: z.text,
  UPLOAD_ADDRESS: z.optional(z.text),
  IMAGE_TABLE: z.text,
  SESSION_TABLE: z.text,
  PER_MINUTE: positiveInteger,
});
const client = DynamoDBDocumentClient.from(dynamoDbClient());
const ports = {
  images: dynamoDbImages({ client, tableName: env.IMAGE_TABLE }),
  tickets: s3UploadTickets({ client: s3Client(), bucket: env.UPLOAD_BUCKET, address: env.UPLOAD_ADDRESS }),
  bucket: env.UPLOAD_BUCKET,
  limits: defaultLimits,
  randomId: () => crypto.randomUUID(),
  now: Date.now,
};
const rate = { allowance: dynamoDbAllowance({ client, tableName: env.SESSION_TABLE }), perMinute: env.PER_MINUTE };

export const handler = apiOperation('createUpload', rate, ({ owner, body }) => createUpload(owner, body, ports));
