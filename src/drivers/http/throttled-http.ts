import type { Clock } from '../../domain/clock.ts';
import type { Slowdown, Throttle } from '../../domain/cloud.ts';
import type { RetrySettings } from '../../domain/config.ts';
import type { Budget } from './budget.ts';
import type { Answer, Exchange, Http, HttpRequest, PostRequest } from './exchange.ts';
import { throttleOf } from './throttle.ts';

type Listener = (slowdown: Slowdown) => void;

interface ThrottledHttpTools {
  readonly http: Http;
  readonly budget: Budget;
  readonly clock: Clock;
  /** A pause is at least `min_delay` and at most `max_retry_after`. */
  readonly retry: Pick<RetrySettings, 'min_delay_ms' | 'max_retry_after_ms'>;
}

/** The pause that is in effect, if the cloud asked for a longer one than vbsctl waits. Times are monotonic ms. */
class ActivePause {
  /** When the next request may be sent. */
  readonly untilMs: number;
  /** The end of the pause that the cloud asked for. */
  readonly #askedUntilMs: number;
  /** The longest wait, ms. */
  readonly #limitMs: number;

  constructor(untilMs: number, askedUntilMs: number, limitMs: number) {
    this.untilMs = untilMs;
    this.#askedUntilMs = askedUntilMs;
    this.#limitMs = limitMs;
  }

  /**
   * The answer to a request that is not sent during the pause: a 429 whose `Retry-After` is
   *
   * - the rest of the time that the cloud asked for, while that is longer than a caller waits;
   * - after that, the time until the next request may be sent, which is shorter, so that a caller waits no longer than needed.
   *
   * Nothing else is taken from the answer that asked for the pause: it may be about another resource or another token.
   */
  answer(nowMs: number): Answer {
    const asked = this.#askedUntilMs - nowMs;
    const waitMs = asked > this.#limitMs ? asked : this.untilMs - nowMs;
    const seconds = Math.ceil(waitMs / 1_000);
    const error = { message: 'no request was sent: the cloud asked for a pause' };
    return {
      kind: 'answer',
      status: 429,
      headers: { 'retry-after': String(seconds) },
      text: JSON.stringify({ error }),
    };
  }
}

/** A longer pause is reported again only if its end has moved by more than this. */
const PAUSE_CHANGE_MS = 1_000;

/**
 * All requests of a run pass through here: limited by the budget, counted, and slowed down if the cloud asks for it.
 */
export class ThrottledHttp {
  readonly #tools: ThrottledHttpTools;
  readonly #listeners: Listener[] = [];
  #activePause: ActivePause | undefined;
  #sent = 0;

  constructor(tools: ThrottledHttpTools) {
    this.#tools = tools;
  }

  /**
   * Waits for its place in the budget, then makes one attempt. During a pause that is shorter than the cloud asked for,
   * nothing is sent, and the request is answered at once as throttled: the cloud would refuse it after the pause, too.
   * Rejects only with the reason of an abort.
   */
  async send(request: HttpRequest): Promise<Exchange> {
    const signal = request.method === 'GET' ? request.signal : undefined;
    signal?.throwIfAborted();
    const { budget, clock } = this.#tools;
    const now = clock.monotonic();
    if (this.#activePause && now < this.#activePause.untilMs) return this.#activePause.answer(now);
    try {
      await budget.take(request.method, signal);
    } catch (reason) {
      if (reason instanceof ActivePause) return reason.answer(clock.monotonic());
      throw reason;
    }
    return this.#attempt(request);
  }

  /** Reserves the place of a POST, for `sendReserved`. */
  reserve(signal?: AbortSignal): Promise<void> {
    return this.#tools.budget.take('POST', signal);
  }

  /** Makes one attempt at once, in a place that was reserved for it. */
  sendReserved(request: PostRequest): Promise<Exchange> {
    return this.#attempt(request);
  }

  /** Ms until the end of the pause that the cloud asked for; 0 without a pause. */
  get pausedForMs(): number {
    return this.#tools.budget.pausedForMs;
  }

  /** Number of requests so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Whether the run sends less than the configured rate, because the cloud asked for it. */
  get isSlow(): boolean {
    return this.#tools.budget.isSlow;
  }

  /** How often the run slowed down. */
  get slowdowns(): number {
    return this.#tools.budget.slowdowns;
  }

  /**
   * Calls the listener at each pause until the returned function is called; then the previous listener is called again.
   */
  onSlowdown(listener: Listener): () => void {
    this.#listeners.push(listener);
    return () => this.#listeners.splice(this.#listeners.lastIndexOf(listener), 1);
  }

  async #attempt(request: HttpRequest): Promise<Exchange> {
    const { http, clock } = this.#tools;
    this.#sent++;
    const sentAt = clock.monotonic();
    const exchange = await http.send(request);
    const throttle = throttleOf(exchange, clock.now());
    if (throttle) this.#slowDown(throttle, sentAt);
    else if (exchange.kind === 'answer') this.#tools.budget.speedUp();
    return exchange;
  }

  #slowDown(throttle: Throttle, sentAtMs: number): void {
    const { budget, clock, retry } = this.#tools;
    const { asked_ms = 0 } = throttle;
    const before = budget.pausedForMs;
    const wanted = Math.max(retry.min_delay_ms, Math.min(asked_ms, retry.max_retry_after_ms));
    budget.slowDown(sentAtMs, wanted);
    const pause_ms = Math.max(before, wanted);
    if (asked_ms > retry.max_retry_after_ms) {
      const now = clock.monotonic();
      this.#activePause = new ActivePause(now + pause_ms, now + asked_ms, retry.max_retry_after_ms);
      budget.rejectReads(this.#activePause);
    }
    if (pause_ms >= before + PAUSE_CHANGE_MS) this.#listeners.at(-1)?.({ ...throttle, pause_ms });
  }
}
