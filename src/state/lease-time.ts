import { type Clock, type Moment, mayHavePassedMs } from '../domain/clock.ts';
import { formatDuration, parseDuration } from '../domain/duration.ts';
import { invalidUrl } from './server-failures.ts';

/** How long a lock lasts without renewal. Longer than any request to a cloud should take (`http.request_timeout`). */
const TTL_MS = 120_000;
const TTL_MS_MIN = 2_000;
const RENEWALS_PER_TTL = 4;
/** For clocks that are read at two ends of a network, and times that are given in whole seconds. */
const MARGIN_MS = 2_000;

/** `lease_ttl=2m` in the URL of a state; default 2 m, minimum 2 s. */
export function leaseTtl(text: string | null): number {
  if (text === null) return TTL_MS;
  const ttl = parseDuration(text);
  if (ttl !== undefined && ttl >= TTL_MS_MIN) return ttl;
  throw invalidUrl(
    `lease_ttl must be a duration of at least ${formatDuration(TTL_MS_MIN)}, found ${JSON.stringify(text)}`,
    'omit it for the default, 2m; it must be longer than http.request_timeout',
  );
}

export function renewEveryMs(ttlMs: number): number {
  return ttlMs / RENEWALS_PER_TTL;
}

/**
 * When a lock that was not renewed may be taken over: after its time to live, plus the time that a restore which its
 * holder requested in the last moment may take to begin (`retry.settle` of the holder).
 */
export function takeoverAfterMs(ttlMs: number, settleMs: number): number {
  return (
    ttlMs +
    MARGIN_MS +
    // Rule: takeover-waits-for-settle
    settleMs
  );
}

/** How long a lease certainly lasts. Counts from before each renewal was sent, on the clock that has gone further. */
export class LeaseTime {
  /** Infinity: the lease does not end. */
  readonly ttlMs: number;
  readonly #clock: Clock;
  #at: Moment;

  constructor(clock: Clock, ttlMs: number, renewed: Moment) {
    this.#clock = clock;
    this.ttlMs = ttlMs;
    this.#at = renewed;
  }

  renewed(at: Moment): void {
    this.#at = at;
  }

  remainingMs(): number {
    return Math.max(this.ttlMs - mayHavePassedMs(this.#clock, this.#at), 0);
  }
}
