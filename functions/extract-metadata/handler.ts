import { s3Client } from '../../adapters/aws/aws-clients.ts';
import { s3UploadStore } from '../../adapters/aws/s3-upload-store.ts';
import { imageTask, workflowTask } from '../../adapters/lambda/workflow-task.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { extractMetadata } from '../../core/extract-metadata.ts';
import { config } from './config.ts';

const uploads = s3UploadStore({ client: s3Client() });
const codec = sharpImageCodec();

export const handler = workflowTask(imageTask, (task) =>
  extractMetadata(task, { uploads, codec }, { keepLocation: config.KEEP_LOCATION }),
);
