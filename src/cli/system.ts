import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../domain/clock.ts';

/** The real clock. Aborted sleeps reject with the signal's own reason. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      // setTimeout takes 31 bits; nothing here sleeps for 24 days, but a timeout of years must not fire at once.
      await sleep(Math.min(ms, 2 ** 31 - 1), undefined, signal ? { signal } : {});
    } catch (cause) {
      throw signal?.aborted ? signal.reason : cause;
    }
  },
};
