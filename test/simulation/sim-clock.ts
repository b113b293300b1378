import type { Clock } from '../../src/domain/clock.ts';

/** 2026-11-23T22:00:00Z */
export const SIM_EPOCH = Date.UTC(2026, 10, 23, 22);

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

/**
 * Virtual time: it stands still while anything can still happen, then jumps to the next timer. A day of waiting
 * costs no more than the code that waits.
 */
export class SimClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();
  /** What the wall clock shows beyond the monotonic one; may be changed to make it jump. */
  wallOffset = SIM_EPOCH;

  now(): number {
    return this.#now + this.wallOffset;
  }

  monotonic(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const abort = () => {
        this.#timers.delete(timer);
        reject(signal?.reason);
      };
      const timer: Timer = {
        at: this.#now + Math.max(0, ms),
        order: this.#order++,
        fire: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
      };
      this.#timers.add(timer);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Calls `action` once so much time has passed. */
  at(ms: number, action: () => void): void {
    this.#timers.add({ at: ms, order: this.#order++, fire: action });
  }

  /** Runs time until the promise is settled. Throws when it never will be: nothing is left that could happen. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    promise.then(
      () => {
        settled = true;
      },
      () => {
        settled = true;
      },
    );
    for (;;) {
      // Everything that can go on without time does so before setImmediate fires.
      await new Promise((resolve) => setImmediate(resolve));
      if (settled) return promise;
      const next = this.#next();
      if (!next) throw new Error('deadlock: nothing is left that could happen');
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
    }
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
        first = timer;
    }
    return first;
  }
}
