import * as z from 'zod';
import { readEnvironment } from '../../adapters/environment.ts';

export const config = readEnvironment({ RENDITION_BUCKET: z.string().min(1) });
