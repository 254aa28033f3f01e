import { s3Client } from '../../adapters/aws/aws-clients.ts';
import { s3UploadReader } from '../../adapters/aws/s3-upload-reader.ts';
import * as z from '../../adapters/contracts/zod.ts';
import { readEnvironment } from '../../adapters/lambda/environment.ts';
import { imageTask, workflowTask } from '../../adapters/lambda/workflow-task.ts';
import { sharpImageCodec } from '../../adapters/sharp/sharp-image-codec.ts';
import { extractMetadata } from '../../core/extract-metadata.ts';
import { defaultLimits } from '../../core/limits.ts';

const env = readEnvironment({ KEEP_LOCATION: z.stringbool() });
const ports = {
  uploadReader: s3UploadReader({ client: s3Client() }),
  codec: sharpImageCodec(defaultLimits),
  limits: defaultLimits,
};

export const handler = workflowTask(imageTask, (task) =>
  extractMetadata(task, ports, { keepLocation: env.KEEP_LOCATION }),
);
