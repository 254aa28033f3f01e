import * as z from 'zod/mini';
import { readEnvironment } from '../../adapters/environment.ts';

export const config = readEnvironment({ KEEP_LOCATION: z.stringbool() });
