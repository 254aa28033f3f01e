import { s3Client } from '../../adapters/aws/aws-clients.ts';
import { s3RenditionStore } from '../../adapters/aws/s3-rendition-store.ts';
import { s3UploadStore } from '../../adapters/aws/s3-upload-store.ts';
import { renditionTask, workflowTask } from '../../adapters/lambda/workflow-task.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { renditionGroups } from '../../core/presets.ts';
import { resizeImage } from '../../core/resize-image.ts';
import { config } from './config.ts';

const client = s3Client();
const uploads = s3UploadStore({ client });
const renditions = s3RenditionStore({ client, bucket: config.RENDITION_BUCKET });
const codec = sharpImageCodec();

export const handler = workflowTask(renditionTask, (task) =>
  resizeImage(task, { uploads, codec, renditions }, renditionGroups),
);
