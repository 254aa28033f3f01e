import { join } from 'node:path';
import { Logger } from '@aws-lambda-powertools/logger';
import { s3Client } from '../../adapters/aws/aws-clients.ts';
import { s3RenditionStore } from '../../adapters/aws/s3-rendition-store.ts';
import { s3UploadReader } from '../../adapters/aws/s3-upload-reader.ts';
import { text } from '../../adapters/contracts/zod.ts';
import { positiveInteger, readEnvironment } from '../../adapters/lambda/environment.ts';
import { renditionTask, workflowTask } from '../../adapters/lambda/workflow-task.ts';
import { boundedImageCodec } from '../../adapters/sharp/bounded-image-codec.ts';
import { defaultLimits } from '../../core/limits.ts';
import { renditionGroups, retiredGroups } from '../../core/presets.ts';
import { resizeImage } from '../../core/resize-image.ts';

const env = readEnvironment({
  RENDITION_BUCKET: text,
  LAMBDA_TASK_ROOT: text,
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: positiveInteger,
});
const logger = new Logger();
const client = s3Client();
const codec = boundedImageCodec({
  script: join(env.LAMBDA_TASK_ROOT, 'image-process.js'),
  functionMegabytes: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  limits: defaultLimits,
});
const ports = {
  uploadReader: s3UploadReader({ client, logger }),
  codec,
  limits: defaultLimits,
  renditionStore: s3RenditionStore({ client, bucket: env.RENDITION_BUCKET }),
};

export const handler = workflowTask(
  renditionTask,
  (task) => resizeImage(task, ports, renditionGroups, retiredGroups),
  codec,
  logger,
);
