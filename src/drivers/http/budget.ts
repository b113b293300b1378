// Own code, not `bottleneck`: it pauses and slows down as the cloud asks, POSTs first, on the clock that is passed in.
import type { Clock } from '../../domain/clock.ts';

/** As many requests as in this time may leave at once after a rest: few, so that no burst looks like an attack. */
const BURST_MS = 250;
/** However often the cloud asks for less, one request may leave in this time. */
const INTERVAL_MS_MAX = 5_000;
/** One request a minute. */
const GROWTH = 1 / 60_000;

/**
 * `requests_per_second` over all requests of a run: a token bucket, first come first served, POSTs before
 * everything that waits.
 *
 * When the cloud throttles one request, the whole run slows down: nothing leaves during a pause, then half as much as
 * before and no bursts. Each answer that does not ask for less lets one request a minute more leave: so the rate is back
 * after a minute of use, and hardly grows while little is sent. Source: the congestion control of TCP (RFC 5681).
 */
export class Budget {
  readonly #clock: Clock;
  /** Requests per ms. */
  readonly #fullRate: number;
  #rate: number;
  readonly #posts: Waiting[] = [];
  readonly #reads: Waiting[] = [];
  /** When the bucket is full again; with every request one interval later. */
  #fullAtMs: number;
  #serving = false;
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

  /** Resolves when the request may leave. Rejects with the reason of the signal or of `dismissReads`; then nothing is taken. */
  async take(method: 'GET' | 'POST', signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const queue = method === 'POST' ? this.#posts : this.#reads;
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => waiting.dismiss(signal?.reason);
      const waiting: Waiting = {
        admit: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
        dismiss: (reason) => {
          signal?.removeEventListener('abort', onAbort);
          queue.splice(queue.indexOf(waiting), 1);
          // A long pause must not outlive those who wait for its end.
          if (!this.#awaited) this.#sleep.abort();
          reject(reason);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      queue.push(waiting);
      if (!this.#serving) void this.#serve();
    });
  }

  /** A request that left at `sentAtMs` (monotonic) was throttled: nothing leaves for `pauseMs`, then half as much. */
  slowDown(sentAtMs: number, pauseMs: number): void {
    const now = this.#clock.monotonic();
    // Rule: pause-of-the-cloud-is-kept
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, now + pauseMs);
    this.#fullAtMs = Math.max(this.#fullAtMs, this.#pausedUntilMs);
    // Requests that were under way together are throttled together: that is one reason to slow down, not many.
    if (sentAtMs <= this.#slowedAtMs) return;
    this.#rate = Math.max(this.#rate / 2, Math.min(this.#fullRate, 1 / INTERVAL_MS_MAX));
    this.#slowedAtMs = now;
    this.#slowdowns++;
  }

  /** A request was answered, and not throttled. */
  speedUp(): void {
    this.#rate = Math.min(this.#rate + GROWTH, this.#fullRate);
  }

  /** Reads that wait now are not admitted any more: `take` rejects with this reason. */
  dismissReads(reason: unknown): void {
    for (const waiting of [...this.#reads]) waiting.dismiss(reason);
  }

  /** Whether less may leave than `requests_per_second`. */
  get isSlow(): boolean {
    return this.#rate < this.#fullRate;
  }

  /** How often it was slowed down. */
  get slowdowns(): number {
    return this.#slowdowns;
  }

  /** Ms until the pause ends; 0 when there is none. */
  get pausedForMs(): number {
    return Math.max(this.#pausedUntilMs - this.#clock.monotonic(), 0);
  }

  get #awaited(): boolean {
    return this.#posts.length + this.#reads.length > 0;
  }

  /** Ms ahead of its time that a request may leave when nothing left for a while. */
  get #savedMs(): number {
    return this.isSlow ? 0 : Math.max(BURST_MS - 1 / this.#rate, 0);
  }

  async #serve(): Promise<void> {
    this.#serving = true;
    for (;;) {
      const now = this.#clock.monotonic();
      const mayLeaveAt = this.#fullAtMs - this.#savedMs;
      if (this.#awaited && mayLeaveAt > now) {
        this.#sleep = new AbortController();
        await this.#clock.sleep(Math.ceil(mayLeaveAt - now), this.#sleep.signal).catch(() => {});
        continue;
      }
      const next = this.#posts.shift() ?? this.#reads.shift();
      if (!next) break;
      this.#fullAtMs = Math.max(this.#fullAtMs, now) + 1 / this.#rate;
      next.admit();
    }
    this.#serving = false;
  }
}

interface Waiting {
  readonly admit: () => void;
  readonly dismiss: (reason: unknown) => void;
}
