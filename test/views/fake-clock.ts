import type { Clock } from '../../src/domain/clock.ts';

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** Time that passes only when told to. */
export class FakeClock implements Clock {
  #now: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  get sleeping(): number {
    return this.#sleepers.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const aborted = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      };
      const sleeper = { due: this.#now + ms, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', aborted);
    });
  }

  /** Wakes everybody who is due on the way, in order. */
  async advanceTo(target: number): Promise<void> {
    for (let next = this.#earliest(); next && next.due <= target; next = this.#earliest()) {
      this.#sleepers.delete(next);
      this.#now = next.due;
      next.wake();
      await new Promise(setImmediate);
    }
    this.#now = target;
  }

  #earliest(): Sleeper | undefined {
    let earliest: Sleeper | undefined;
    for (const sleeper of this.#sleepers) if (!earliest || sleeper.due < earliest.due) earliest = sleeper;
    return earliest;
  }
}
