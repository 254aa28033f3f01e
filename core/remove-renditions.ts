import type { ImageId, Sequencer } from './image.ts';
import type { RenditionStore } from './ports.ts';

/**
 * Which renditions of an image nobody may see any more. A sequencer only ever grows, so what is to go never becomes
 * wanted again: the removal may be repeated, or come late, without harm.
 */
export interface RemovalTask {
  readonly correlationId: string;
  readonly image: { readonly imageId: ImageId; readonly sequencer: Sequencer };
  /**
   * `older`: this state is shown, those before it are not. `through`: this state has nothing to show either (rejected,
   * deleted). `own`: this state lost; what it rendered goes, the others are not its business.
   */
  readonly scope: 'older' | 'through' | 'own';
}

export async function removeRenditions(
  task: RemovalTask,
  ports: { readonly renditions: RenditionStore },
): Promise<{ readonly outcome: 'removed'; readonly count: number }> {
  const keys = await Array.fromAsync(ports.renditions.list(task.image.imageId));
  const obsolete = keys.filter((key) => isObsolete(sequencerOf(key), task));
  await ports.renditions.remove(obsolete);
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

/** From `<imageId>/<sequencer>/<file>`; a key of any other shape is not ours to remove. */
function sequencerOf(key: string): Sequencer | undefined {
  const [, sequencer, file, ...rest] = key.split('/');
  return file !== undefined && rest.length === 0 ? sequencer : undefined;
}
