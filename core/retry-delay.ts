/**
 * How long a failed message stays hidden before its next attempt: twice as long each time, half of it random, so that
 * messages which failed together do not return together. After the last attempt there is nothing to wait for.
 *
 * @param receives how often the message has been received, starting at 1
 * @param options.random from 0 to 1
 */
export function retryDelaySeconds(
  receives: number,
  options: { readonly baseSeconds: number; readonly lastAttempt: boolean; readonly random: number },
): number {
  if (options.lastAttempt) return 0;
  const longest = Math.min(options.baseSeconds * 2 ** (receives - 1), MAX_DELAY_SECONDS);
  return Math.ceil(longest * (0.5 + options.random / 2));
}

// SQS hides a message for at most twelve hours, counted from its receipt.
const MAX_DELAY_SECONDS = 3600;
