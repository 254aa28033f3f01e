import type { UploadEvent } from './image.ts';
import type { Decision, Pipeline } from './ports.ts';
import { renditionGroups } from './presets.ts';

/**
 * Takes one change of the upload bucket through the workflow and waits for its decision.
 *
 * @throws whatever the workflow could not decide: the queue delivers the event again.
 */
export function dispatchImage(
  event: UploadEvent,
  ports: { readonly pipeline: Pipeline },
  options: { readonly lastTry: boolean },
): Promise<Decision> {
  const groups = renditionGroups.map((group) => group.name);
  return ports.pipeline.run({ ...event, groups, lastTry: options.lastTry });
}
