import type { Clock } from '../domain/clock.ts';

/** To be called after each read. Returns whether the condition has held at every read for long enough. */
export type HeldFor = (holds: boolean) => boolean;

/**
 * Tells whether a condition has held for `forMs`. One read proves little: a gateway may answer 404 once, and a replica of the
 * database may be behind.
 */
export function heldFor(clock: Clock, forMs: number): HeldFor {
  let since: number | undefined;
  return (holds) => {
    if (!holds) {
      since = undefined;
      return false;
    }
    since ??= clock.monotonic();
    return clock.monotonic() - since >= forMs;
  };
}
