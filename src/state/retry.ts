import type { Clock } from '../domain/clock.ts';

/** How long a server may be away (restarted, failing over) before that is an error. */
export interface RetryPolicy {
  /** Repetitions after the first attempt. */
  readonly retries: number;
  /** Before the first repetition; doubled for each further one. */
  readonly wait_ms_min: number;
  readonly wait_ms_max: number;
}

/** About a minute: what the restart of a server takes. */
export const A_MINUTE: RetryPolicy = { retries: 7, wait_ms_min: 500, wait_ms_max: 16_000 };

/** The attempt may be made again: nothing was changed, or making it twice changes nothing more. */
export class RetryableError extends Error {}

/**
 * Repeats what throws `RetryableError`, whose cause is thrown when the repetitions are used up. Everything else is thrown at once, and
 * the signal's reason while it waits.
 */
export async function withRetry<T>(
  clock: Clock,
  retry: RetryPolicy,
  attempt: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (let repeated = 0; ; repeated++) {
    try {
      return await attempt();
    } catch (reason) {
      if (!(reason instanceof RetryableError)) throw reason;
      if (repeated >= retry.retries) throw reason.cause;
      await clock.sleep(Math.min(retry.wait_ms_min * 2 ** repeated, retry.wait_ms_max), signal);
    }
  }
}
