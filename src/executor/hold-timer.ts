import type { Clock } from '../domain/clock.ts';
import type { Observation } from '../domain/observation.ts';

/** Tells what lasts from what one look shows: a gateway may answer 404 once, a copy of the data may be behind. */
export class HoldTimer {
  readonly #clock: Clock;
  readonly #forMs: number;
  /** Monotonic ms. */
  #since: number | undefined;

  /** `forMs`: how long it has to be seen at every look to count. */
  constructor(clock: Clock, forMs: number) {
    this.#clock = clock;
    this.#forMs = forMs;
  }

  /** Told after each look whether it was seen; returns whether it has been at each since then. */
  seen(now: boolean): boolean {
    if (!now) {
      this.#since = undefined;
      return false;
    }
    this.#since ??= this.#clock.monotonic();
    return this.#clock.monotonic() - this.#since >= this.#forMs;
  }
}

/** The cloud says that the disk or the backup does not exist. */
export function isGone({ volume, backup }: Observation): boolean {
  return volume.reading === 'gone' || backup.reading === 'gone';
}
