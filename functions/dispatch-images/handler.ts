import { Logger } from '@aws-lambda-powertools/logger';
import { dynamoDbClient, sqsClient, syncExecutionClient } from '../../adapters/aws/aws-clients.ts';
import { idempotentPipeline } from '../../adapters/aws/idempotent-pipeline.ts';
import { sfnPipeline } from '../../adapters/aws/sfn-pipeline.ts';
import * as z from '../../adapters/contracts/zod.ts';
import { decisionLog } from '../../adapters/lambda/decision-log.ts';
import { positiveInteger, readEnvironment } from '../../adapters/lambda/environment.ts';
import { sqsUploads } from '../../adapters/lambda/sqs-uploads.ts';
import { dispatchImage } from '../../core/dispatch-images.ts';
import { renditionGroups } from '../../core/presets.ts';

const env = readEnvironment({
  STATE_MACHINE_ARN: z.string().check(z.startsWith('arn:')),
  IDEMPOTENCY_TABLE: z.text,
  IDEMPOTENCY_SECONDS: positiveInteger,
  WORKFLOW_WAIT_MILLIS: positiveInteger,
  UPLOAD_QUEUE_URL: z.url(),
  UPLOAD_BUCKET: z.text,
  MAX_RECEIVE_COUNT: positiveInteger,
  RETRY_BASE_SECONDS: positiveInteger,
});
const logger = new Logger();
const client = syncExecutionClient({ timeoutMillis: env.WORKFLOW_WAIT_MILLIS });
const pipelineFor = idempotentPipeline(sfnPipeline({ client, stateMachineArn: env.STATE_MACHINE_ARN }), {
  client: dynamoDbClient(),
  tableName: env.IDEMPOTENCY_TABLE,
  keepSeconds: env.IDEMPOTENCY_SECONDS,
});
const dispatch = decisionLog(logger, (event, delivery) =>
  dispatchImage(event, { pipeline: pipelineFor(delivery.context) }, { ...delivery, groups: renditionGroups }),
);

export const handler = sqsUploads(dispatch, {
  client: sqsClient(),
  queueUrl: env.UPLOAD_QUEUE_URL,
  uploadBucket: env.UPLOAD_BUCKET,
  maxReceiveCount: env.MAX_RECEIVE_COUNT,
  retryBaseSeconds: env.RETRY_BASE_SECONDS,
  logger,
});
