import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoDbClient, s3Client } from '../../adapters/aws/aws-clients.ts';
import { dynamoDbCatalogue } from '../../adapters/aws/dynamodb-catalogue.ts';
import { knownImage } from '../../adapters/aws/known-image.ts';
import { s3RenditionReader } from '../../adapters/aws/s3-rendition-reader.ts';
import { s3Uploader } from '../../adapters/aws/s3-uploader.ts';
import { systemClock } from '../../adapters/aws/system-clock.ts';
import { text } from '../../adapters/contracts/zod.ts';
import { positiveInteger, readEnvironment } from '../../adapters/lambda/environment.ts';
import { scheduledProbe } from '../../adapters/lambda/scheduled-probe.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { defaultLimits } from '../../core/limits.ts';
import { renditionGroups } from '../../core/presets.ts';
import { probePipeline } from '../../core/watch/probe-pipeline.ts';

const env = readEnvironment({
  UPLOAD_BUCKET: text,
  RENDITION_BUCKET: text,
  IMAGE_TABLE: text,
  WAIT_MILLIS: positiveInteger,
});
const client = s3Client();
const ports = {
  uploader: s3Uploader({ client, bucket: env.UPLOAD_BUCKET }),
  catalogue: dynamoDbCatalogue({ client: DynamoDBDocumentClient.from(dynamoDbClient()), tableName: env.IMAGE_TABLE }),
  publishedRenditions: s3RenditionReader({ client, bucket: env.RENDITION_BUCKET }),
  codec: sharpImageCodec(defaultLimits),
  clock: systemClock,
};

export const handler = scheduledProbe(() =>
  probePipeline(ports, { knownImage, groups: renditionGroups, waitMillis: env.WAIT_MILLIS }),
);
