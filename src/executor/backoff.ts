import type { CloudFailure } from '../domain/cloud.ts';
import type { RetrySettings } from '../domain/config.ts';

/**
 * Full-jitter exponential backoff before attempt `failed` + 1, ms; what the service asks for in `Retry-After`
 * wins, but not below `min_delay` (Cinder says 0), and within `max_delay` times ten so that a nonsense value cannot
 * park a restore for days.
 */
export function backoff(
  failed: number,
  failure: CloudFailure | undefined,
  settings: RetrySettings,
  random: () => number,
): number {
  const { min_delay_ms, max_delay_ms } = settings;
  if (failure?.retry_after_ms !== undefined)
    return Math.max(min_delay_ms, Math.min(failure.retry_after_ms, max_delay_ms * 10));
  const ceiling = Math.min(max_delay_ms, min_delay_ms * 2 ** Math.min(failed - 1, 30));
  return min_delay_ms + random() * (ceiling - min_delay_ms);
}

/** Intervals that grow from `min` to `max`, half as long again each time. */
export function growing(min: number, max: number): () => number {
  let next = min;
  return () => {
    const interval = next;
    next = Math.min(max, next * 1.5);
    return interval;
  };
}
