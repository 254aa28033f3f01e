import * as z from 'zod/mini';
import { readEnvironment } from '../../adapters/environment.ts';

export const config = readEnvironment({ RENDITION_BUCKET: z.string().check(z.minLength(1)) });
