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

/** What all tasks have in common: enough to find an image's log lines. */
interface Task {
  readonly correlationId: string;
  readonly image: { readonly imageId: string };
}

/**
 * A Lambda handler for one step of the workflow: parses the task, runs the step, and logs one line with the image's
 * correlation id, on success and on failure.
 *
 * @param helper another process that works for this one, whose memory counts too
 * @param logger for steps that log more: their lines get the same correlation id
 */
export function workflowTask<Input extends Task, Result extends { readonly outcome: string }>(
  schema: z.ZodMiniType<Input>,
  step: (task: Input) => Promise<Result>,
  helper: { readonly peakMegabytes: number } = { peakMegabytes: 0 },
  logger = new Logger(),
) {
  const report = invocationReport(helper);
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
      logger.error('Step failed; the workflow retries it', { imageId, error, ...report(startedAt) });
      throw error;
    } finally {
      logger.resetKeys();
    }
  };
}

/** Replaces Lambda's own report of a successful invocation, which template.yaml switches off. */
function invocationReport(helper: { readonly peakMegabytes: number }) {
  // Time until the process had loaded its modules, reported by its first invocation only.
  let initMillis: number | undefined = Math.round(performance.now());
  return (startedAt: number) => {
    const init = initMillis === undefined ? {} : { initMillis };
    initMillis = undefined;
    return {
      millis: Math.round(performance.now() - startedAt),
      peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1024) + helper.peakMegabytes,
      ...init,
    };
  };
}
