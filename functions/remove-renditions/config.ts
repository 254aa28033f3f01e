import { readEnvironment, text } from '../../adapters/lambda/environment.ts';

export const config = readEnvironment({ RENDITION_BUCKET: text });
