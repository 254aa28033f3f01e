/** How many images a command or a workflow may put into the overflow queue, so that uploads never wait long behind them. */

/** Of work in the queue: its dispatchers share the workers with uploads. */
export const MOST_SECONDS_QUEUED = 5;

/**
 * Below zero if there are too many.
 *
 * @param waiting images in the queue
 * @param perSecond the rate at which they are put into it
 */
export function roomFor(waiting: number, perSecond: number): number {
  return perSecond * MOST_SECONDS_QUEUED - waiting;
}
