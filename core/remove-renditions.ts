import type { Sequencer } from './image.ts';
import type { RemovalResult, RemovalTask } from './image-task.ts';
import type { RenditionStore } from './ports.ts';
import { sequencerOf } from './rendition.ts';

export async function removeRenditions(
  task: RemovalTask,
  ports: { readonly renditionStore: RenditionStore },
): Promise<RemovalResult> {
  const keys = await Array.fromAsync(ports.renditionStore.list(task.image.imageId));
  // A key of any other shape is never removed.
  const obsolete = keys.filter((key) => isObsolete(sequencerOf(key), task));
  await ports.renditionStore.remove(obsolete);
  return { outcome: 'removed', count: obsolete.length };
}

function isObsolete(sequencer: Sequencer | undefined, { image, scope }: RemovalTask): boolean {
  if (sequencer === undefined) return false;
  switch (scope) {
    case 'older':
      return sequencer < image.sequencer;
    case 'through':
      return sequencer <= image.sequencer;
    case 'own':
      return sequencer === image.sequencer;
  }
}
