import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoDbClient, s3Client } from '../../adapters/aws/aws-clients.ts';
import { dynamoDbCatalogue } from '../../adapters/aws/dynamodb-catalogue.ts';
import { knownImage } from '../../adapters/aws/known-image.ts';
import { s3RenditionReader } from '../../adapters/aws/s3-rendition-reader.ts';
import { s3Uploader } from '../../adapters/aws/s3-uploader.ts';
import { systemClock } from '../../adapters/aws/system-clock.ts';
import { scheduledProbe } from '../../adapters/lambda/scheduled-probe.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { renditionGroups } from '../../core/presets.ts';
import { probePipeline } from '../../core/watch/probe-pipeline.ts';
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
  probePipeline(ports, { image: knownImage, groups: renditionGroups, waitMillis: config.WAIT_MILLIS }),
);
