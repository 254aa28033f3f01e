import { join } from 'node:path';
import { s3Client } from '../../adapters/aws/aws-clients.ts';
import { s3UploadReader } from '../../adapters/aws/s3-upload-reader.ts';
import * as z from '../../adapters/contracts/zod.ts';
import { positiveInteger, readEnvironment } from '../../adapters/lambda/environment.ts';
import { imageTask, workflowTask } from '../../adapters/lambda/workflow-task.ts';
import { boundedImageCodec } from '../../adapters/sharp/bounded-image-codec.ts';
import { extractMetadata } from '../../core/extract-metadata.ts';
import { defaultLimits } from '../../core/limits.ts';

const env = readEnvironment({
  KEEP_LOCATION: z.stringbool(),
  LAMBDA_TASK_ROOT: z.text,
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: positiveInteger,
});
const codec = boundedImageCodec({
  script: join(env.LAMBDA_TASK_ROOT, 'image-process.js'),
  functionMegabytes: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  limits: defaultLimits,
});
const ports = {
  uploadReader: s3UploadReader({ client: s3Client() }),
  codec,
  limits: defaultLimits,
};

export const handler = workflowTask(
  imageTask,
  (task) => extractMetadata(task, ports, { keepLocation: env.KEEP_LOCATION }),
  codec,
);
