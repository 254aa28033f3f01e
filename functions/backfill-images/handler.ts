import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoDbClient, emulated, s3Client, sqsClient } from '../../adapters/aws/aws-clients.ts';
import { dynamoDbCatalogue } from '../../adapters/aws/dynamodb-catalogue.ts';
import { s3CurrentUploads } from '../../adapters/aws/s3-current-uploads.ts';
import { sqsOverflowQueue } from '../../adapters/aws/sqs-overflow-queue.ts';
import { lowestSequencer } from '../../adapters/contracts/queued-event.ts';
import * as z from '../../adapters/contracts/zod.ts';
import { backfillBatches } from '../../adapters/lambda/backfill-batches.ts';
import { readEnvironment } from '../../adapters/lambda/environment.ts';
import { backfillImages } from '../../core/backfill-images.ts';

const env = readEnvironment({ IMAGE_TABLE: z.text, OVERFLOW_QUEUE_URL: z.url() });
const ports = {
  catalogue: dynamoDbCatalogue({ client: DynamoDBDocumentClient.from(dynamoDbClient()), tableName: env.IMAGE_TABLE }),
  uploads: s3CurrentUploads(s3Client()),
  overflowQueue: sqsOverflowQueue({ client: sqsClient(), queueUrl: env.OVERFLOW_QUEUE_URL, emulated }),
  sequencerAt: lowestSequencer(emulated),
};

export const handler = backfillBatches((batch) => backfillImages(batch, ports));
