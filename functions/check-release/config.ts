import * as z from 'zod/mini';
import { readEnvironment } from '../../adapters/environment.ts';

const name = z.string().check(z.minLength(1));

export const config = readEnvironment({
  UPLOAD_BUCKET: name,
  RENDITION_BUCKET: name,
  STEP_WAIT_MILLIS: z.coerce.number().check(z.int(), z.positive()),
});
