/** The time, passed in so that tests and simulations control it. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump. */
  now(): number;
  /** Milliseconds on a clock that never goes back; only differences have a meaning. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted before. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The longest delay of `setTimeout` (31 bits, 24 days). It fires at once if the delay is longer. */
export const TIMER_MAX_MS = 2 ** 31 - 1;

/** How much the clocks of two machines may differ, where the time of one is compared with that of the other. */
export const CLOCK_SKEW_MAX_MS = 5 * 60_000;

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** A point in time on both clocks. */
export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

/** The point in time `inMs` from now. */
export function momentOf(clock: Clock, inMs = 0): Moment {
  return { monotonic: clock.monotonic() + inMs, wall: clock.now() + inMs };
}

/**
 * The longest time that may have passed since, by whichever clock shows more: the monotonic clock stops while a machine
 * sleeps, the wall clock may be set back. Negative if it is in the future.
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
