import * as z from 'zod/mini';
import { readEnvironment } from '../../adapters/environment.ts';

const positiveInteger = z.coerce.number().check(z.int(), z.positive());

export const config = readEnvironment({
  STATE_MACHINE_ARN: z.string().check(z.startsWith('arn:')),
  IDEMPOTENCY_TABLE: z.string().check(z.minLength(1)),
  IDEMPOTENCY_SECONDS: positiveInteger,
  WORKFLOW_WAIT_MILLIS: positiveInteger,
  UPLOAD_QUEUE_URL: z.url(),
  MAX_RECEIVE_COUNT: positiveInteger,
  RETRY_BASE_SECONDS: positiveInteger,
});
