import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoDbClient, s3Client } from '../../adapters/aws-clients.ts';
import { dynamoDbCatalogue } from '../../adapters/dynamodb-catalogue.ts';
import { knownImage } from '../../adapters/known-image.ts';
import { s3RenditionReader } from '../../adapters/s3-rendition-reader.ts';
import { s3Uploader } from '../../adapters/s3-uploader.ts';
import { scheduledProbe } from '../../adapters/scheduled-probe.ts';
import { sharpImageCodec } from '../../adapters/sharp-image-codec.ts';
import { systemClock } from '../../adapters/system-clock.ts';
import { probePipeline } from '../../core/probe-pipeline.ts';
import { config } from './config.ts';

const client = s3Client();
const ports = {
  uploads: s3Uploader({ client, bucket: config.UPLOAD_BUCKET }),
  catalogue: dynamoDbCatalogue({
    client: DynamoDBDocumentClient.from(dynamoDbClient()),
    tableName: config.IMAGE_TABLE,
  }),
  renditions: s3RenditionReader({ client, bucket: config.RENDITION_BUCKET }),
  codec: sharpImageCodec(),
  clock: systemClock,
};

export const handler = scheduledProbe(() =>
  probePipeline(ports, { image: knownImage, waitMillis: config.WAIT_MILLIS }),
);
