import { s3Client } from '../../adapters/aws/aws-clients.ts';
import { s3RenditionStore } from '../../adapters/aws/s3-rendition-store.ts';
import { text } from '../../adapters/contracts/zod.ts';
import { readEnvironment } from '../../adapters/lambda/environment.ts';
import { removalTask, workflowTask } from '../../adapters/lambda/workflow-task.ts';
import { removeRenditions } from '../../core/remove-renditions.ts';

const env = readEnvironment({ RENDITION_BUCKET: text });
const renditionStore = s3RenditionStore({ client: s3Client(), bucket: env.RENDITION_BUCKET });

export const handler = workflowTask(removalTask, (task) => removeRenditions(task, { renditionStore }));
