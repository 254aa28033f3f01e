import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../core/watch/ports.ts';

export const systemClock: Clock = {
  // Monotonic, unlike the time of day.
  now: () => performance.now(),
  sleep: async (millis) => {
    await sleep(millis);
  },
};
