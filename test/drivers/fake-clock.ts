import type { Clock } from '../../src/domain/clock.ts';

/** A clock that only `sleep` and `advance` move. */
export class FakeClock implements Clock {
  readonly slept: number[] = [];
  #elapsedMs = 0;
  #asleepMs = 0;

  now(): number {
    return Date.UTC(2026, 10, 23, 18, 0, 0) + this.#elapsedMs + this.#asleepMs;
  }

  monotonic(): number {
    return 1_000 + this.#elapsedMs;
  }

  advance(ms: number): void {
    this.#elapsedMs += ms;
  }

  /** As if the machine were suspended: the wall clock moves, the monotonic clock does not. */
  suspend(ms: number): void {
    this.#asleepMs += ms;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(ms);
    this.advance(ms);
  }
}
