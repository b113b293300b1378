import type { Clock } from '../domain/clock.ts';
import type { ApplyEvent, WithoutTime } from '../domain/events.ts';

/** Much longer than a write takes anywhere, much shorter than a person's patience. */
export const SLOW_WRITE_MS = 5_000;

/**
 * Tells when a write of the state does not come to its end, and when one does again: a server that is away is asked
 * again and again, nothing leaves meanwhile, and a person wants to know why.
 */
export class SlowWrites {
  readonly #clock: Clock;
  readonly #emit: (event: WithoutTime<ApplyEvent>) => void;
  #told = false;

  constructor(clock: Clock, emit: (event: WithoutTime<ApplyEvent>) => void) {
    this.#clock = clock;
    this.#emit = emit;
  }

  /** As `write` ends. */
  async watch(write: Promise<void>): Promise<void> {
    const over = new AbortController();
    this.#clock.sleep(SLOW_WRITE_MS, over.signal).then(
      () => this.#slow(),
      () => {},
    );
    try {
      await write;
    } finally {
      over.abort();
    }
    this.#written();
  }

  #slow(): void {
    if (this.#told) return;
    this.#told = true;
    this.#emit({ type: 'state_slow', after_ms: SLOW_WRITE_MS });
  }

  #written(): void {
    if (!this.#told) return;
    this.#told = false;
    this.#emit({ type: 'state_written' });
  }
}
