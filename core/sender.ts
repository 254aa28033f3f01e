import { probePrefix, releaseCheckPrefix } from './names.ts';

/** Of the probe or the release check. */
export function isOwnImage(key: string): boolean {
  return key.startsWith(probePrefix) || key.startsWith(releaseCheckPrefix);
}

/**
 * Who sent an upload: the first folder of its key, as in `ann/holiday/beach.jpg`. All keys without a folder have one sender, ''.
 * If your senders are at another depth of your keys, change it here.
 *
 * @returns undefined if no limit applies: to the pipeline's own images. Only the probe and the release check can store them.
 */
export function senderOf(key: string): string | undefined {
  if (isOwnImage(key)) return undefined;
  const end = key.indexOf('/');
  return end < 0 ? '' : key.slice(0, end);
}
