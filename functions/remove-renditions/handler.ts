import { s3Client } from '../../adapters/aws/aws-clients.ts';
import { s3RenditionStore } from '../../adapters/aws/s3-rendition-store.ts';
import { removalTask, workflowTask } from '../../adapters/lambda/workflow-task.ts';
import { removeRenditions } from '../../core/remove-renditions.ts';
import { config } from './config.ts';

const renditions = s3RenditionStore({ client: s3Client(), bucket: config.RENDITION_BUCKET });

export const handler = workflowTask(removalTask, (task) => removeRenditions(task, { renditions }));
