import { s3Client } from '../../adapters/aws/aws-clients.ts';
import { s3RenditionStore } from '../../adapters/aws/s3-rendition-store.ts';
import { s3UploadReader } from '../../adapters/aws/s3-upload-reader.ts';
import { text } from '../../adapters/contracts/zod.ts';
import { readEnvironment } from '../../adapters/lambda/environment.ts';
import { renditionTask, workflowTask } from '../../adapters/lambda/workflow-task.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { defaultLimits } from '../../core/limits.ts';
import { renditionGroups } from '../../core/presets.ts';
import { resizeImage } from '../../core/resize-image.ts';

const env = readEnvironment({ RENDITION_BUCKET: text });
const client = s3Client();
const ports = {
  uploadReader: s3UploadReader({ client }),
  codec: sharpImageCodec(defaultLimits),
  limits: defaultLimits,
  renditionStore: s3RenditionStore({ client, bucket: env.RENDITION_BUCKET }),
};

export const handler = workflowTask(renditionTask, (task) => resizeImage(task, ports, renditionGroups));
