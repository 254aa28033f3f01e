import { applyChange, type Change, type GalleryImage } from './gallery-image.ts';
import type { ImageStore } from './ports.ts';

/** Changes of one person's images are stored one after another. A burst of a hundred photographs has a few at the same time. */
const ATTEMPTS = 10;

/**
 * Stores what an event says, once, whatever the order and however often events arrive.
 *
 * @returns the image as it is now, also after an event that changed nothing: an attempt that stored it may have ended before it
 * was shown
 * @throws {Error} if others kept changing the person's images: the queue delivers the event again
 */
export async function recordChange(
  change: Change,
  {
    images,
    now,
    pause,
  }: {
    readonly images: Pick<ImageStore, 'newestCursor' | 'find' | 'save'>;
    readonly now: () => number;
    /** Waits for a moment, longer with each attempt. */
    readonly pause: (attempt: number) => Promise<void>;
  },
): Promise<GalleryImage> {
  const { owner, imageId } = change;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    // Before the image: if another change is stored after this read, `save` refuses.
    const newest = await images.newestCursor(owner);
    const before = await images.find(owner, imageId);
    const after = applyChange(before, change);
    if (after === undefined) {
      if (before === undefined) throw new Error(`No event of ${imageId} can be older than nothing.`);
      return before;
    }
    // A new store begins where no earlier one can have arrived, so that after a rebuild no client takes new changes for known ones.
    const image = { ...after, cursor: newest === undefined ? now() : newest + 1 };
    if (await images.save(image, newest)) return image;
    await pause(attempt);
  }
  throw new Error(
    `The change of ${imageId} could not be stored: in ${ATTEMPTS} attempts, others changed images of the same person.`,
  );
}
