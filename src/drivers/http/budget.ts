import type { Clock } from '../../domain/clock.ts';

/** How many requests may leave at once after a pause. Small, so that a burst never looks like an attack. */
const BURST = 5;

/**
 * `requests_per_second` over all requests of a run: a token bucket, first come first served, POSTs before
 * everything that waits. A whole run slowed down by a 429 belongs here, too.
 */
export class Budget {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #posts: (() => void)[] = [];
  readonly #reads: (() => void)[] = [];
  /** When the bucket is full again; with every request one interval later. */
  #fullAtMs: number;
  #serving = false;

  constructor(requestsPerSecond: number, clock: Clock) {
    if (!(requestsPerSecond > 0)) throw new Error(`requests per second: ${requestsPerSecond}`);
    this.#clock = clock;
    this.#intervalMs = 1_000 / requestsPerSecond;
    this.#fullAtMs = clock.monotonic();
  }

  /** Resolves when the request may leave. Rejects with the signal's reason; then nothing is taken. */
  async take(method: 'GET' | 'POST', signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const queue = method === 'POST' ? this.#posts : this.#reads;
    await new Promise<void>((resolve, reject) => {
      const admit = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        queue.splice(queue.indexOf(admit), 1);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', leave, { once: true });
      queue.push(admit);
      if (!this.#serving) void this.#serve();
    });
  }

  async #serve(): Promise<void> {
    this.#serving = true;
    for (;;) {
      const waitMs = this.#fullAtMs - (BURST - 1) * this.#intervalMs - this.#clock.monotonic();
      if (this.#posts.length + this.#reads.length > 0 && waitMs > 0) {
        await this.#clock.sleep(Math.ceil(waitMs));
        continue;
      }
      const admit = this.#posts.shift() ?? this.#reads.shift();
      if (!admit) break;
      this.#fullAtMs = Math.max(this.#fullAtMs, this.#clock.monotonic()) + this.#intervalMs;
      admit();
    }
    this.#serving = false;
  }
}
