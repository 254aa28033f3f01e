import type { UploadEvent } from './image.ts';
import type { Pipeline } from './ports.ts';
import type { RenditionGroup } from './presets.ts';

/**
 * Takes one change of the upload bucket through the workflow and waits for its decision.
 *
 * @throws whatever the workflow could not decide: the queue delivers the event again.
 */
export function dispatchImage(
  event: UploadEvent,
  ports: { readonly pipeline: Pipeline },
  options: { readonly lastTry: boolean; readonly groups: readonly RenditionGroup[] },
): ReturnType<Pipeline['run']> {
  const groups = options.groups.map((group) => group.name);
  return ports.pipeline.run({ ...event, groups, lastTry: options.lastTry });
}

/**
 * How long a message that failed stays hidden before its next try: twice as long each time, by half at random, so that
 * what failed together does not come back together. After the last try there is nothing to wait for.
 *
 * @param receives how often the message has been received by now, from 1
 * @param random from 0 to 1
 */
export function retryDelaySeconds(
  receives: number,
  options: { readonly baseSeconds: number; readonly lastTry: boolean; readonly random: number },
): number {
  if (options.lastTry) return 0;
  const longest = Math.min(options.baseSeconds * 2 ** (receives - 1), LONGEST_DELAY_SECONDS);
  return Math.ceil(longest * (0.5 + options.random / 2));
}

// SQS hides a message for twelve hours at the most, counted from its receipt.
const LONGEST_DELAY_SECONDS = 3600;
