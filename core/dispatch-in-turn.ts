import { dispatchImage } from './dispatch-images.ts';
import type { UploadEvent } from './image.ts';
import type { Decision, FolderDecision, Pipeline, RepeatedDecision, SendersInProgress, SetAside } from './ports.ts';
import type { RenditionGroup } from './presets.ts';
import { senderOf } from './sender.ts';

/**
 * Dispatches the event, or sets it aside if its sender already has as many uploads in progress as one sender may: no
 * upload waits behind another sender's.
 *
 * @throws when the workflow reaches no decision: the queue then delivers the event again.
 */
export async function dispatchInTurn(
  event: UploadEvent,
  { pipeline, senders }: { readonly pipeline: Pipeline; readonly senders: SendersInProgress },
  options: {
    readonly lastAttempt: boolean;
    readonly groups: readonly RenditionGroup[];
    /** Moves the event to the queue of those that wait. Absent if it comes from there: then it is its turn. */
    readonly setAside?: ((sender: string) => Promise<void>) | undefined;
  },
): Promise<Decision | RepeatedDecision | FolderDecision | SetAside> {
  const sender = senderOf(event.image.key);
  if (sender === undefined || options.setAside === undefined) return dispatchImage(event, { pipeline }, options);
  const begun = await senders.begin(sender);
  if (begun === undefined) {
    await options.setAside(sender);
    return { setAside: true, sender };
  }
  try {
    return await dispatchImage(event, { pipeline }, options);
  } finally {
    await begun.end();
  }
}
