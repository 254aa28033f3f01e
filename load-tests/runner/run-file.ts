/** Everything Artillery's process needs to know about a run, in one file: `npm run load` writes it, the processor reads it. */
import * as z from 'zod';
import { environmentPrefix } from '../../core/names.ts';
import { stackOutputs } from '../../scripts/stack/stack.ts';
import { galleryUnderLoad } from './gallery-user.ts';
import { sizeClasses } from './plan.ts';
import { target } from './target.ts';

/** Names the file, for the processor. */
export const runFileVariable = `${environmentPrefix}_LOAD_RUN`;

export const runFile = z.object({
  target,
  stack: z.object({ name: z.string(), outputs: stackOutputs }),
  /** If users upload through it. */
  gallery: galleryUnderLoad.optional(),
  ledger: z.string(),
  /** Seconds from the start until every user gives up waiting. */
  patienceSeconds: z.number(),
  /** How many users each phase brings. */
  phases: z.array(z.int().positive()).min(1),
  images: z.record(
    z.string(),
    z.object({ file: z.string(), class: z.enum([...sizeClasses, 'corrupt']), bytes: z.int() }),
  ),
  users: z.array(
    z.array(
      z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('upload'), key: z.string(), image: z.string() }),
        z.object({ kind: z.literal('delete'), key: z.string() }),
      ]),
    ),
  ),
});
export type RunFile = z.infer<typeof runFile>;
