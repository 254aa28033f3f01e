import * as z from 'zod';
import { readEnvironment } from '../../adapters/environment.ts';

export const config = readEnvironment({ KEEP_LOCATION: z.stringbool() });
