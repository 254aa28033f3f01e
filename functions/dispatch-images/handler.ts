import { Logger } from '@aws-lambda-powertools/logger';
import { dynamoDbClient, sqsClient, syncExecutionClient } from '../../adapters/aws/aws-clients.ts';
import { idempotentPipeline } from '../../adapters/aws/idempotent-pipeline.ts';
import { sfnPipeline } from '../../adapters/aws/sfn-pipeline.ts';
import { decisionLog } from '../../adapters/lambda/decision-log.ts';
import { sqsUploads } from '../../adapters/lambda/sqs-uploads.ts';
import { dispatchImage } from '../../core/dispatch-images.ts';
import { renditionGroups } from '../../core/presets.ts';
import { config } from './config.ts';

const pipelineWithin = idempotentPipeline(
  sfnPipeline({
    client: syncExecutionClient({ timeoutMillis: config.WORKFLOW_WAIT_MILLIS }),
    stateMachineArn: config.STATE_MACHINE_ARN,
  }),
  { client: dynamoDbClient(), tableName: config.IDEMPOTENCY_TABLE, keepSeconds: config.IDEMPOTENCY_SECONDS },
);
const logger = new Logger();
const log = decisionLog(logger);
const queue = {
  client: sqsClient(),
  queueUrl: config.UPLOAD_QUEUE_URL,
  maxReceiveCount: config.MAX_RECEIVE_COUNT,
  retryBaseSeconds: config.RETRY_BASE_SECONDS,
  logger,
};

export const handler = sqsUploads(queue, (event, { lastTry, context }) =>
  log(event, { lastTry }, () =>
    dispatchImage(event, { pipeline: pipelineWithin(context) }, { lastTry, groups: renditionGroups }),
  ),
);
