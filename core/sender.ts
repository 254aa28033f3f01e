/**
 * Who sent an upload: the first folder of its key, as in `ann/holiday/beach.jpg`. Keys without a folder name no sender, and
 * no limit applies to them. If your senders are at another depth of your keys, change it here.
 */
export function senderOf(key: string): string | undefined {
  const end = key.indexOf('/');
  return end > 0 ? key.slice(0, end) : undefined;
}
