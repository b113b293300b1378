import type { Clock } from '../domain/clock.ts';

/**
 * Tells whether a condition has held at every read for some time. One read proves little: a gateway may answer 404 once,
 * and a replica of the database may be behind.
 */
export class HoldTimer {
  readonly #clock: Clock;
  readonly #forMs: number;
  /** Monotonic ms. */
  #since: number | undefined;

  /** `forMs`: how long the condition must hold. */
  constructor(clock: Clock, forMs: number) {
    this.#clock = clock;
    this.#forMs = forMs;
  }

  /** To be called after each read. Returns whether the condition has held for long enough. */
  update(holds: boolean): boolean {
    if (!holds) {
      this.#since = undefined;
      return false;
    }
    this.#since ??= this.#clock.monotonic();
    return this.#clock.monotonic() - this.#since >= this.#forMs;
  }
}
