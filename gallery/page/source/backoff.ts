/** Exponential backoff with full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
const FIRST = 500;
const LONGEST = 30_000;

/** Milliseconds before the next attempt, after so many that failed. */
export function backoff(failures: number, random: () => number = Math.random): number {
  return random() * Math.min(LONGEST, FIRST * 2 ** failures);
}
