import { isFolder, type UploadEvent } from './image.ts';
import type { Decision, FolderDecision, Pipeline, RepeatedDecision } from './ports.ts';
import type { RenditionGroup } from './presets.ts';

/**
 * Runs the workflow for one change in the upload bucket and waits for its decision. A folder needs none.
 *
 * @throws when the workflow reaches no decision: the queue then delivers the event again.
 */
export async function dispatchImage(
  event: UploadEvent,
  ports: { readonly pipeline: Pipeline },
  options: { readonly lastAttempt: boolean; readonly groups: readonly RenditionGroup[] },
): Promise<Decision | RepeatedDecision | FolderDecision> {
  if (isFolder(event)) return { outcome: 'folder' };
  const groups = options.groups.map((group) => group.name);
  return ports.pipeline.run({ ...event, groups, lastAttempt: options.lastAttempt });
}
