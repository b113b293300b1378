// Own code instead of `bottleneck`: it pauses and slows down as the cloud asks, sends POSTs first, and uses the clock
// that is passed in.
import type { Clock } from '../../domain/clock.ts';

/**
 * After a rest, a burst may have as many requests as the rate allows in this time: few, so that no burst looks like an
 * attack.
 */
const BURST_MS = 250;
/** The slowest rate: one request in this time, however often the cloud throttles. */
const INTERVAL_MS_MAX = 5_000;
/** How much each answer that is not throttled raises the rate: by one request a minute. */
const GROWTH = 1 / 60_000;

/**
 * Limits all requests of a run to `requests_per_second`: a token bucket, first come first served, POSTs before all
 * other requests that wait.
 *
 * If the cloud throttles one request, the whole run slows down: nothing is sent during a pause, then half the rate
 * without bursts. Each answer that does not throttle raises the rate by one request a minute. So the full rate is back
 * after a minute of use, and the rate hardly grows while little is sent. Source: the congestion control of TCP (RFC
 * 5681).
 */
export class Budget {
  readonly #clock: Clock;
  /** Requests per ms. */
  readonly #fullRate: number;
  #rate: number;
  readonly #posts: Waiter[] = [];
  readonly #reads: Waiter[] = [];
  /** When the bucket is full again. Each request moves it by one interval. */
  #fullAtMs: number;
  #isServing = false;
  #sleep = new AbortController();
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #slowedAtMs = Number.NEGATIVE_INFINITY;
  #slowdowns = 0;

  constructor(requestsPerSecond: number, clock: Clock) {
    if (!(requestsPerSecond > 0)) throw new Error(`requests per second: ${requestsPerSecond}`);
    this.#clock = clock;
    this.#fullRate = requestsPerSecond / 1_000;
    this.#rate = this.#fullRate;
    this.#fullAtMs = clock.monotonic();
  }

  /**
   * Resolves when the request may be sent. Rejects with the reason of the signal or of `rejectReads`; then no place is
   * used.
   */
  async take(method: 'GET' | 'POST', signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const queue = method === 'POST' ? this.#posts : this.#reads;
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => waiter.reject(signal?.reason);
      const waiter: Waiter = {
        resolve: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
        reject: (reason) => {
          signal?.removeEventListener('abort', onAbort);
          queue.splice(queue.indexOf(waiter), 1);
          // If nobody waits any more, a long pause must not keep the process running.
          if (!this.#hasWaiters) this.#sleep.abort();
          reject(reason);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      queue.push(waiter);
      if (!this.#isServing) void this.#serve();
    });
  }

  /**
   * A request that was sent at `sentAtMs` (monotonic) was throttled: sends nothing for `pauseMs`, then half as much.
   */
  slowDown(sentAtMs: number, pauseMs: number): void {
    const now = this.#clock.monotonic();
    // Rule: pause-requested-by-the-cloud-is-kept
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, now + pauseMs);
    this.#fullAtMs = Math.max(this.#fullAtMs, this.#pausedUntilMs);
    // Requests that were in progress together are throttled together: the run slows down once for all of them.
    if (sentAtMs <= this.#slowedAtMs) return;
    this.#rate = Math.max(this.#rate / 2, Math.min(this.#fullRate, 1 / INTERVAL_MS_MAX));
    this.#slowedAtMs = now;
    this.#slowdowns++;
  }

  /** A request was answered and not throttled. */
  speedUp(): void {
    this.#rate = Math.min(this.#rate + GROWTH, this.#fullRate);
  }

  /** Rejects all reads that wait now with this reason. */
  rejectReads(reason: unknown): void {
    for (const waiter of [...this.#reads]) waiter.reject(reason);
  }

  /** Whether the rate is below `requests_per_second`. */
  get isSlow(): boolean {
    return this.#rate < this.#fullRate;
  }

  /** How often the run was slowed down. */
  get slowdowns(): number {
    return this.#slowdowns;
  }

  /** Ms until the end of the pause; 0 without a pause. */
  get pausedForMs(): number {
    return Math.max(this.#pausedUntilMs - this.#clock.monotonic(), 0);
  }

  get #hasWaiters(): boolean {
    return this.#posts.length + this.#reads.length > 0;
  }

  /** How many ms early a request may be sent, because none was sent for a while. */
  get #burstMs(): number {
    return this.isSlow ? 0 : Math.max(BURST_MS - 1 / this.#rate, 0);
  }

  async #serve(): Promise<void> {
    this.#isServing = true;
    for (;;) {
      const now = this.#clock.monotonic();
      const mayStartAt = this.#fullAtMs - this.#burstMs;
      if (this.#hasWaiters && mayStartAt > now) {
        this.#sleep = new AbortController();
        await this.#clock.sleep(Math.ceil(mayStartAt - now), this.#sleep.signal).catch(() => {});
        continue;
      }
      const next = this.#posts.shift() ?? this.#reads.shift();
      if (!next) break;
      this.#fullAtMs = Math.max(this.#fullAtMs, now) + 1 / this.#rate;
      next.resolve();
    }
    this.#isServing = false;
  }
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}
