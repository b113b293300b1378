import type { Clock } from '../domain/clock.ts';
import { retry } from '../network/retry.ts';

/** How long a server may be away (restarted, failing over) before that is an error. */
export interface RetryPolicy {
  /** Repetitions after the first attempt. */
  readonly retries: number;
  /** Before the first repetition; doubled for each further one. */
  readonly wait_ms_min: number;
  readonly wait_ms_max: number;
}

/** About a minute: what the restart of a server takes. */
export const ONE_MINUTE: RetryPolicy = { retries: 7, wait_ms_min: 500, wait_ms_max: 16_000 };

/** `retry`, as a server that keeps a state is asked. */
export function withRetry<T>(
  clock: Clock,
  { retries, wait_ms_min, wait_ms_max }: RetryPolicy,
  attempt: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const pauseMs = (failed: number) => Math.min(wait_ms_min * 2 ** (failed - 1), wait_ms_max);
  return retry(attempt, { clock, retries, pauseMs, signal });
}
