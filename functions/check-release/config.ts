import { positiveInteger, readEnvironment, text } from '../../adapters/lambda/environment.ts';

export const config = readEnvironment({
  UPLOAD_BUCKET: text,
  RENDITION_BUCKET: text,
  STEP_WAIT_MILLIS: positiveInteger,
});
