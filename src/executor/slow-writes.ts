import type { Clock } from '../domain/clock.ts';
import type { ApplyEvent, WithoutTime } from '../domain/events.ts';

/** Much longer than a write takes, and short enough for a user who waits. */
export const SLOW_WRITE_MS = 5_000;

/**
 * Emits an event when a write of the state takes long, and when writes succeed again. While a state server is away, writes
 * are retried and nothing is sent; the event tells the user why.
 */
export class SlowWrites {
  readonly #clock: Clock;
  readonly #emit: (event: WithoutTime<ApplyEvent>) => void;
  #reported = false;

  constructor(clock: Clock, emit: (event: WithoutTime<ApplyEvent>) => void) {
    this.#clock = clock;
    this.#emit = emit;
  }

  /** Settles as `write` does. */
  async watch(write: Promise<void>): Promise<void> {
    const written = new AbortController();
    this.#clock.sleep(SLOW_WRITE_MS, written.signal).then(
      () => this.#slow(),
      () => {},
    );
    try {
      await write;
    } finally {
      written.abort();
    }
    this.#written();
  }

  #slow(): void {
    if (this.#reported) return;
    this.#reported = true;
    this.#emit({ type: 'state_slow', after_ms: SLOW_WRITE_MS });
  }

  #written(): void {
    if (!this.#reported) return;
    this.#reported = false;
    this.#emit({ type: 'state_written' });
  }
}
