import { type Clock, type Moment, mayHavePassedMs } from '../domain/clock.ts';
import { formatDuration, parseDuration } from '../domain/duration.ts';
import { Failure } from '../domain/errors.ts';

/** How long a lock lasts that nobody renews. Longer than any request to a cloud should take (`http.request_timeout`). */
const TTL_MS = 120_000;
const TTL_MS_MIN = 2_000;
const RENEWALS_PER_TTL = 4;
/** For clocks read at two ends of a network, and times given in whole seconds. */
const MARGIN_MS = 2_000;

/** `lease_ttl=2m` of a state's URL. */
export function leaseTtl(text: string | null): number {
  if (text === null) return TTL_MS;
  const ttl = parseDuration(text);
  if (ttl !== undefined && ttl >= TTL_MS_MIN) return ttl;
  throw Failure.of(
    'usage',
    'state-url',
    `lease_ttl must be a duration of at least ${formatDuration(TTL_MS_MIN)}, found ${JSON.stringify(text)}`,
    {
      remedy: 'leave it out for two minutes; it must be longer than http.request_timeout',
    },
  );
}

export function renewEveryMs(ttlMs: number): number {
  return ttlMs / RENEWALS_PER_TTL;
}

/**
 * When a lock that was not renewed may be taken: its time to live, and as long again as a restore that its holder
 * asked for in the last moment may take to begin (`retry.settle` of the holder).
 */
export function takeoverAfterMs(ttlMs: number, settleMs: number): number {
  return ttlMs + settleMs + MARGIN_MS;
}

/** How long a lease surely lasts. Counts from before each renewal was sent, on whichever clock has gone further. */
export class LeaseTime {
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
