import { Logger } from '@aws-lambda-powertools/logger';
import { dynamoDbClient, sqsClient, syncExecutionClient } from '../../adapters/aws/aws-clients.ts';
import { dynamoDbSenders } from '../../adapters/aws/dynamodb-senders.ts';
import { idempotentPipeline } from '../../adapters/aws/idempotent-pipeline.ts';
import { sfnPipeline } from '../../adapters/aws/sfn-pipeline.ts';
import * as z from '../../adapters/contracts/zod.ts';
import { decisionLog } from '../../adapters/lambda/decision-log.ts';
import { names, positiveInteger, readEnvironment } from '../../adapters/lambda/environment.ts';
import { sqsUploads } from '../../adapters/lambda/sqs-uploads.ts';
import { dispatchInTurn } from '../../core/dispatch-in-turn.ts';
import { renditionGroups } from '../../core/presets.ts';

const env = readEnvironment({
  STATE_MACHINE_ARN: z.string().check(z.startsWith('arn:')),
  IDEMPOTENCY_TABLE: z.text,
  IDEMPOTENCY_SECONDS: positiveInteger,
  WORKFLOW_WAIT_MILLIS: positiveInteger,
  UPLOAD_QUEUE_URL: z.url(),
  OVERFLOW_QUEUE_URL: z.url(),
  RUNNING_PER_SENDER: positiveInteger,
  UPLOAD_BUCKETS: names,
  READY_WITHIN_SECONDS: positiveInteger,
  MAX_RECEIVE_COUNT: positiveInteger,
  RETRY_BASE_SECONDS: positiveInteger,
});
const logger = new Logger();
const client = syncExecutionClient({ timeoutMillis: env.WORKFLOW_WAIT_MILLIS });
const table = { client: dynamoDbClient(), tableName: env.IDEMPOTENCY_TABLE };
const pipelineFor = idempotentPipeline(sfnPipeline({ client, stateMachineArn: env.STATE_MACHINE_ARN }), {
  ...table,
  keepSeconds: env.IDEMPOTENCY_SECONDS,
});
const senders = dynamoDbSenders({ ...table, most: env.RUNNING_PER_SENDER });
const dispatch = decisionLog(logger, { readyWithinSeconds: env.READY_WITHIN_SECONDS }, (event, delivery) =>
  dispatchInTurn(event, { pipeline: pipelineFor(delivery.context), senders }, { ...delivery, groups: renditionGroups }),
);

export const handler = sqsUploads(dispatch, {
  client: sqsClient(),
  queueUrl: env.UPLOAD_QUEUE_URL,
  overflowUrl: env.OVERFLOW_QUEUE_URL,
  uploadBuckets: env.UPLOAD_BUCKETS,
  maxReceiveCount: env.MAX_RECEIVE_COUNT,
  retryBaseSeconds: env.RETRY_BASE_SECONDS,
  logger,
});
