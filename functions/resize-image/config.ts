import { readEnvironment, text } from '../../adapters/environment.ts';

export const config = readEnvironment({ RENDITION_BUCKET: text });
