import type { Clock } from '../domain/clock.ts';
import { retry } from '../network/retry.ts';

/** How long a server may be away (restart, failover) before that is an error. */
export interface RetryPolicy {
  /** Repetitions after the first attempt. */
  readonly retries: number;
  /** The pause before the first repetition; doubled for each further one. */
  readonly wait_ms_min: number;
  readonly wait_ms_max: number;
}

/** About a minute, in which a server can restart. */
export const ONE_MINUTE: RetryPolicy = { retries: 7, wait_ms_min: 500, wait_ms_max: 16_000 };

/** Repeats requests to a server that stores a state. */
export function withRetry<T>(
  clock: Clock,
  { retries, wait_ms_min, wait_ms_max }: RetryPolicy,
  attempt: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const pauseMs = (failed: number) => Math.min(wait_ms_min * 2 ** (failed - 1), wait_ms_max);
  return retry(attempt, { clock, retries, pauseMs, signal });
}
