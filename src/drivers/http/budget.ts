import type { Clock } from '../../domain/clock.ts';

/** How many requests may leave at once after a rest: half a second's, and few, so that no burst looks like an attack. */
const BURST_MAX = 5;
/** However often the cloud asks for patience, one request leaves in this time. */
const INTERVAL_MS_MAX = 5_000;
/** After it was halved, a rate is back to what it was in this time. */
const DOUBLING_MS = 60_000;
/** No single answer stops a run for longer; what is still too much is told again. */
const PAUSE_MS_MAX = 5 * 60_000;

/**
 * `requests_per_second` over all requests of a run: a token bucket, first come first served, POSTs before
 * everything that waits.
 *
 * When the cloud asks for patience, the whole run gives it: nothing leaves for as long as was asked, then half as
 * much as before, growing back within a minute. So a run finds the rate that a cloud bears, whatever its own limit,
 * and seldom asks for more.
 */
export class Budget {
  readonly #clock: Clock;
  /** Requests per ms. */
  readonly #fullRate: number;
  readonly #posts: (() => void)[] = [];
  readonly #reads: (() => void)[] = [];
  /** When the bucket is full again; with every request one interval later. */
  #fullAtMs: number;
  #serving = false;
  #sleep = new AbortController();
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  /** The rate at the end of the pause; it grows from there. */
  #resumedRate: number;
  /** What was sent before says nothing about the rate since. */
  #slowedAtMs = Number.NEGATIVE_INFINITY;
  #slowdowns = 0;

  constructor(requestsPerSecond: number, clock: Clock) {
    if (!(requestsPerSecond > 0)) throw new Error(`requests per second: ${requestsPerSecond}`);
    this.#clock = clock;
    this.#fullRate = requestsPerSecond / 1_000;
    this.#resumedRate = this.#fullRate;
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
        // A long pause must not outlive those who wait for its end.
        if (!this.#awaited) this.#sleep.abort();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', leave, { once: true });
      queue.push(admit);
      if (!this.#serving) void this.#serve();
    });
  }

  /** The cloud asked a request that left at `sentAtMs` (monotonic) for `pauseMs` of patience. */
  slowDown(sentAtMs: number, pauseMs: number): void {
    const now = this.#clock.monotonic();
    const rate = this.#rate(now);
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, now + Math.min(pauseMs, PAUSE_MS_MAX));
    // Many that were under way together are refused together: that is one reason to slow down, not many.
    if (sentAtMs > this.#slowedAtMs) {
      this.#resumedRate = Math.max(rate / 2, Math.min(this.#fullRate, 1 / INTERVAL_MS_MAX));
      this.#slowedAtMs = now;
      this.#slowdowns++;
    }
    // Nothing was saved up by standing still.
    this.#fullAtMs = Math.max(this.#fullAtMs, this.#pausedUntilMs + saved(this.#resumedRate));
  }

  /** How often the cloud had to ask. */
  get slowdowns(): number {
    return this.#slowdowns;
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
      const admit = this.#posts.shift() ?? this.#reads.shift();
      if (!admit) break;
      this.#fullAtMs = Math.max(this.#fullAtMs, now) + 1 / rate;
      admit();
    }
    this.#serving = false;
  }
}

/** Ms ahead of its time that a request may leave, when nothing left for a while. */
function saved(rate: number): number {
  const burst = Math.min(Math.max(rate * 500, 1), BURST_MAX);
  return (burst - 1) / rate;
}
