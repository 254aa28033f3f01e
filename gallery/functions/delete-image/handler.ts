import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoDbClient, s3Client } from '../../../adapters/aws/aws-clients.ts';
import { s3Uploader } from '../../../adapters/aws/s3-uploader.ts';
import { text } from '../../../adapters/contracts/zod.ts';
import { positiveInteger, readEnvironment } from '../../../adapters/lambda/environment.ts';
import { dynamoDbAllowance } from '../../adapters/aws/dynamodb-allowance.ts';
import { dynamoDbImages } from '../../adapters/aws/dynamodb-images.ts';
import { apiOperation } from '../../adapters/lambda/api-operation.ts';
import { deleteImage } from '../../core/images-api.ts';

const env = readEnvironment({
  UPLOAD_BUCKET: text,
  IMAGE_TABLE: text,
  SESSION_TABLE: text,
  PER_MINUTE: positiveInteger,
});
const client = DynamoDBDocumentClient.from(dynamoDbClient());
const ports = {
  images: dynamoDbImages({ client, tableName: env.IMAGE_TABLE }),
  uploads: s3Uploader({ client: s3Client(), bucket: env.UPLOAD_BUCKET }),
};
const rate = { allowance: dynamoDbAllowance({ client, tableName: env.SESSION_TABLE }), perMinute: env.PER_MINUTE };

export const handler = apiOperation('deleteImage', rate, ({ owner, path }) => deleteImage(owner, path.id, ports));
