import * as z from 'zod';
import { readEnvironment } from '../../adapters/environment.ts';

export const config = readEnvironment({
  STATE_MACHINE_ARN: z.string().startsWith('arn:'),
  IDEMPOTENCY_TABLE: z.string().min(1),
  IDEMPOTENCY_SECONDS: z.coerce.number().int().positive(),
  WORKFLOW_WAIT_MILLIS: z.coerce.number().int().positive(),
  MAX_RECEIVE_COUNT: z.coerce.number().int().positive(),
});
