import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import type { ImageTask, RemovalTask, RenditionTask } from '../../core/image-task.ts';
import * as z from '../contracts/zod.ts';

const sequencer = z.string().check(z.regex(/^[0-9A-F]{32}$/));
const imageId = z.string().check(z.regex(/^[0-9a-f]{32}$/));

export const imageTask = z.object({
  correlationId: z.string(),
  image: z.object({
    bucket: z.string(),
    key: z.string(),
    imageId,
    sequencer,
    versionId: z.optional(z.string()),
    etag: z.string(),
    size: z.int().check(z.nonnegative()),
  }),
}) satisfies z.ZodMiniType<ImageTask>;

export const renditionTask = z.extend(imageTask, { group: z.string() }) satisfies z.ZodMiniType<RenditionTask>;

export const removalTask = z.object({
  correlationId: z.string(),
  image: z.object({ imageId, sequencer }),
  scope: z.enum(['older', 'through', 'own']),
}) satisfies z.ZodMiniType<RemovalTask>;

/** What every step's task and result have in common: enough to find one image's lines among all others. */
interface Task {
  readonly correlationId: string;
  readonly image: { readonly imageId: string };
}

/**
 * A Lambda handler for one step of the workflow: reads the task, does the step, and logs one line that carries the
 * image's correlation id, whether it went well or not.
 */
export function workflowTask<Given extends Task, Result extends { readonly outcome: string }>(
  schema: z.ZodMiniType<Given>,
  step: (task: Given) => Promise<Result>,
) {
  const logger = new Logger();
  const report = callReport();
  return async (input: unknown, context: Context): Promise<Result> => {
    logger.addContext(context);
    const startedAt = performance.now();
    let imageId: string | undefined;
    try {
      const task = schema.parse(input);
      imageId = task.image.imageId;
      logger.setCorrelationId(task.correlationId);
      const result = await step(task);
      logger.info('Step done', { imageId, outcome: result.outcome, ...report(startedAt) });
      return result;
    } catch (error) {
      logger.error('Step failed; the workflow tries again', { imageId, error, ...report(startedAt) });
      throw error;
    } finally {
      logger.resetKeys();
    }
  };
}

/** What Lambda's own line would say of a call that went well: template.yaml leaves that line out. */
function callReport() {
  // Of the process, until its modules are loaded: told by its first call.
  let initMillis: number | undefined = Math.round(performance.now());
  return (startedAt: number) => {
    const told = initMillis === undefined ? {} : { initMillis };
    initMillis = undefined;
    return {
      millis: Math.round(performance.now() - startedAt),
      peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1024),
      ...told,
    };
  };
}
