import { type Clock, TIMER_MAX_MS } from '../domain/clock.ts';

/**
 * The real clock. An aborted sleep rejects with the signal's own reason. Does not use `timers/promises`, which makes an
 * error with a stack for each abort: hundreds of restores are woken many times a second.
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
