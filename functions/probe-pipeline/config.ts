import { positiveInteger, readEnvironment, text } from '../../adapters/lambda/environment.ts';

export const config = readEnvironment({
  UPLOAD_BUCKET: text,
  RENDITION_BUCKET: text,
  IMAGE_TABLE: text,
  WAIT_MILLIS: positiveInteger,
});
