import type { CloudFailure } from './cloud.ts';
import type { RetrySettings } from './config.ts';
import { formatDuration } from './duration.ts';

/**
 * Pause before the next attempt after `failed` failed ones (1 or more), ms. It is random, so that clients spread, between
 * `min_delay` and a ceiling that doubles from there to `max_delay`. A longer `Retry-After` overrides it, up to
 * `max_retry_after`; a shorter one does not (Cinder sends 0 with every 413).
 */
export function backoffMs(
  failed: number,
  failure: CloudFailure | undefined,
  {
    min_delay_ms,
    max_delay_ms,
    max_retry_after_ms,
  }: Pick<RetrySettings, 'min_delay_ms' | 'max_delay_ms' | 'max_retry_after_ms'>,
  random: () => number,
): number {
  const ceiling = Math.min(max_delay_ms, min_delay_ms * 2 ** Math.min(failed - 1, 30));
  const own = Math.round(min_delay_ms + random() * (ceiling - min_delay_ms));
  return Math.max(own, Math.min(failure?.retry_after_ms ?? 0, max_retry_after_ms));
}

/** When to try again, as the end of a sentence: `in a moment`, or after the time that the cloud asks for. */
export function whenToAskAgain({ retry_after_ms = 0 }: CloudFailure): string {
  return retry_after_ms === 0 ? 'in a moment' : `in ${formatDuration(retry_after_ms)}, as the cloud asks`;
}
