// Own code, not `bottleneck`: it pauses and slows down as the cloud asks, POSTs first, on the clock that is passed in.
import type { Clock } from '../../domain/clock.ts';

/** How many requests may leave at once after a rest: half a second's, and few, so that no burst looks like an attack. */
const BURST_MAX = 5;
/** However often the cloud asks for less, one request may leave in this time. */
const INTERVAL_MS_MAX = 5_000;
/** A rate that was halved is back to what it was after this time. */
const DOUBLING_MS = 60_000;

/**
 * `requests_per_second` over all requests of a run: a token bucket, first come first served, POSTs before
 * everything that waits.
 *
 * When the cloud throttles one request, the whole run slows down: nothing leaves during a pause, then half as much as
 * before, growing back within a minute. So a run finds the rate that a cloud bears, whatever its own limit, and rarely
 * exceeds it.
 */
export class Budget {
  readonly #clock: Clock;
  /** Requests per ms. */
  readonly #fullRate: number;
  readonly #posts: Waiting[] = [];
  readonly #reads: Waiting[] = [];
  /** When the bucket is full again; with every request one interval later. */
  #fullAtMs: number;
  #serving = false;
  #sleep = new AbortController();
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  /** The rate at the end of the pause; it grows from there. */
  #resumedRate: number;
  #slowedAtMs = Number.NEGATIVE_INFINITY;
  #slowdowns = 0;

  constructor(requestsPerSecond: number, clock: Clock) {
    if (!(requestsPerSecond > 0)) throw new Error(`requests per second: ${requestsPerSecond}`);
    this.#clock = clock;
    this.#fullRate = requestsPerSecond / 1_000;
    this.#resumedRate = this.#fullRate;
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
    const rate = this.#rate(now);
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, now + pauseMs);
    // Requests that were under way together are throttled together: that is one reason to slow down, not many.
    if (sentAtMs > this.#slowedAtMs) {
      this.#resumedRate = Math.max(rate / 2, Math.min(this.#fullRate, 1 / INTERVAL_MS_MAX));
      this.#slowedAtMs = now;
      this.#slowdowns++;
    }
    // Nothing was saved up during the pause.
    this.#fullAtMs = Math.max(this.#fullAtMs, this.#pausedUntilMs + saved(this.#resumedRate));
  }

  /** Reads that wait now are not admitted any more: `take` rejects with this reason. */
  dismissReads(reason: unknown): void {
    for (const waiting of [...this.#reads]) waiting.dismiss(reason);
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

  #rate(now: number): number {
    const since = Math.max(now - this.#pausedUntilMs, 0);
    return Math.min(this.#resumedRate * 2 ** (since / DOUBLING_MS), this.#fullRate);
  }

  async #serve(): Promise<void> {
    this.#serving = true;
    for (;;) {
      const now = this.#clock.monotonic();
      const rate = this.#rate(now);
      const mayLeaveAt = Math.max(this.#fullAtMs - saved(rate), this.#pausedUntilMs);
      if (this.#awaited && mayLeaveAt > now) {
        this.#sleep = new AbortController();
        await this.#clock.sleep(Math.ceil(mayLeaveAt - now), this.#sleep.signal).catch(() => {});
        continue;
      }
      const next = this.#posts.shift() ?? this.#reads.shift();
      if (!next) break;
      this.#fullAtMs = Math.max(this.#fullAtMs, now) + 1 / rate;
      next.admit();
    }
    this.#serving = false;
  }
}

interface Waiting {
  readonly admit: () => void;
  readonly dismiss: (reason: unknown) => void;
}

/** Ms ahead of its time that a request may leave when nothing left for a while. */
function saved(rate: number): number {
  const burst = Math.min(Math.max(rate * 500, 1), BURST_MAX);
  return (burst - 1) / rate;
}
