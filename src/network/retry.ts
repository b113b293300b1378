import pRetry from 'p-retry';
import type { Clock } from '../domain/clock.ts';

/**
 * The attempt may be made again: nothing was changed, or making it twice changes nothing more. When it is not made again,
 * `cause` is thrown, if there is one.
 */
export class RetryableError extends Error {}

export interface RetryOptions {
  readonly clock: Clock;
  /** Attempts after the first one. */
  readonly retries: number;
  /** Pause before the next attempt, after `failed` failed ones (from 1); undefined: there is no next one. */
  readonly pauseMs: (failed: number) => number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Repeats what throws `RetryableError`; all else is thrown at once, and the signal's reason during a pause. For reads, and
 * requests that do the same when they are made twice. Never for the POST of a restore.
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  { clock, retries, pauseMs, signal }: RetryOptions,
): Promise<T> {
  try {
    return await pRetry(attempt, {
      retries,
      // p-retry waits on timers of its own: the pause is made here, on the clock that was passed in.
      minTimeout: 0,
      shouldRetry: async ({ error, attemptNumber }) => {
        const ms = error instanceof RetryableError ? pauseMs(attemptNumber) : undefined;
        if (ms !== undefined) await clock.sleep(ms, signal);
        return ms !== undefined;
      },
    });
  } catch (error) {
    throw error instanceof RetryableError ? (error.cause ?? error) : error;
  }
}
