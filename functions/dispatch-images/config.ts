import * as z from 'zod/mini';
import { positiveInteger, readEnvironment, text } from '../../adapters/lambda/environment.ts';

export const config = readEnvironment({
  STATE_MACHINE_ARN: z.string().check(z.startsWith('arn:')),
  IDEMPOTENCY_TABLE: text,
  IDEMPOTENCY_SECONDS: positiveInteger,
  WORKFLOW_WAIT_MILLIS: positiveInteger,
  UPLOAD_QUEUE_URL: z.url(),
  MAX_RECEIVE_COUNT: positiveInteger,
  RETRY_BASE_SECONDS: positiveInteger,
});
