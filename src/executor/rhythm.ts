import type { Clock } from '../domain/clock.ts';
import type { PollSettings } from '../domain/config.ts';
import { growing } from './growing-interval.ts';

/** When disk and backup are looked at again while a request may still take effect. Begins when it is made. */
export class PollSchedule {
  readonly #clock: Clock;
  readonly #began: number;
  readonly #interval: () => number;

  constructor(clock: Clock, { min_interval_ms, max_interval_ms }: PollSettings) {
    this.#clock = clock;
    this.#began = clock.monotonic();
    this.#interval = growing(min_interval_ms, max_interval_ms);
  }

  get sinceMs(): number {
    return this.#clock.monotonic() - this.#began;
  }

  /** Until the next look; `leftMs`: of the time that is waited out, whose end is met exactly. */
  async pause(leftMs: number, signal?: AbortSignal): Promise<void> {
    const interval = this.#interval();
    await this.#clock.sleep(leftMs > 0 ? Math.min(interval, leftMs) : interval, signal);
  }
}
