/** Time, passed in everywhere so that tests and simulations own it. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump. */
  now(): number;
  /** Milliseconds on a clock that never goes back; only differences mean something. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted before. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The longest delay of `setTimeout` (31 bits, 24 days). It fires at once if the delay is longer. */
export const TIMER_MAX_MS = 2 ** 31 - 1;

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** A point in time on both clocks. */
export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

/** Now, or in so many ms. */
export function momentOf(clock: Clock, inMs = 0): Moment {
  return { monotonic: clock.monotonic() + inMs, wall: clock.now() + inMs };
}

/**
 * How long ago it may be (below zero: it is to come), by whichever clock has gone further: the monotonic one stands
 * still while a machine sleeps, the other one may be set back.
 */
export function mayHavePassedMs(clock: Clock, since: Moment): number {
  const now = momentOf(clock);
  return Math.max(
    // Rule: clock-set-back-is-noticed
    now.monotonic - since.monotonic,
    // Rule: sleep-of-the-machine-is-noticed
    now.wall - since.wall,
  );
}
