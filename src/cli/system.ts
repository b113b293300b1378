import type { Clock } from '../domain/clock.ts';

/** setTimeout takes 31 bits; nothing here sleeps for 24 days, but a timeout of years must not fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/**
 * The real clock. Aborted sleeps reject with the signal's own reason. By hand, for `timers/promises` makes an error
 * with a stack of its own each time, and hundreds of restores are woken many times a second.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
        Math.min(ms, TIMER_MAX_MS),
      );
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};
