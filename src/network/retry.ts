import pRetry from 'p-retry';
import type { Clock } from '../domain/clock.ts';

/**
 * Thrown by an attempt that may be repeated: it changed nothing, or a second attempt changes nothing more. After the last
 * attempt, `retry` throws the `cause` of this error, or the error itself if it has none.
 */
export class RetryableError extends Error {}

interface RetryOptions {
  readonly clock: Clock;
  /** Number of attempts after the first one. */
  readonly retries: number;
  /** Pause before the next attempt, after `failed` failed ones (from 1). Undefined: there is no further attempt. */
  readonly pauseMs: (failed: number) => number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Repeats an attempt that throws `RetryableError`. Throws every other error at once, and the signal's reason during a
 * pause. For reads, and for requests that have the same effect if made twice. Never for the POST of a restore.
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  { clock, retries, pauseMs, signal }: RetryOptions,
): Promise<T> {
  try {
    return await pRetry(attempt, {
      retries,
      // p-retry uses timers of its own, so the pause is made here, on the clock that was passed in.
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
