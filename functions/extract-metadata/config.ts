import * as z from 'zod/mini';
import { readEnvironment } from '../../adapters/lambda/environment.ts';

export const config = readEnvironment({ KEEP_LOCATION: z.stringbool() });
