import type { Clock } from '../../domain/clock.ts';
import type { Slowdown, Throttle } from '../../domain/cloud.ts';
import type { RetrySettings } from '../../domain/config.ts';
import type { Budget } from './budget.ts';
import type { Exchange, Http, HttpRequest, PostRequest } from './exchange.ts';
import { throttleOf } from './throttle.ts';

type Listener = (slowdown: Slowdown) => void;

export interface WireTools {
  readonly http: Http;
  readonly budget: Budget;
  readonly clock: Clock;
  /** A pause is at least `min_delay` and at most `max_retry_after`. */
  readonly retry: Pick<RetrySettings, 'min_delay_ms' | 'max_retry_after_ms'>;
}

/** The answer that asked to wait longer than is waited, until the pause for it ends. */
class Refusal {
  readonly exchange: Exchange;
  readonly untilMs: number;

  constructor(exchange: Exchange, untilMs: number) {
    this.exchange = exchange;
    this.untilMs = untilMs;
  }
}

/** A pause is told again when it became longer by this. */
const LONGER_MS = 1_000;

/** Every request of a run goes through here: within the budget, counted, and slowed down when the cloud asks for it. */
export class Wire {
  readonly #tools: WireTools;
  readonly #listeners: Listener[] = [];
  #refusal: Refusal | undefined;
  #sent = 0;

  constructor(tools: WireTools) {
    this.#tools = tools;
  }

  /**
   * Waits for its place in the budget, then makes one attempt. A read during a pause that is shorter than the cloud
   * asked for is answered at once with what the cloud said: it would wait in vain. Rejects only with the reason of an
   * abort.
   */
  async send(request: HttpRequest): Promise<Exchange> {
    const signal = request.method === 'GET' ? request.signal : undefined;
    signal?.throwIfAborted();
    if (this.#refusal && this.#tools.clock.monotonic() < this.#refusal.untilMs) return this.#refusal.exchange;
    try {
      await this.#tools.budget.take(request.method, signal);
    } catch (reason) {
      if (reason instanceof Refusal) return reason.exchange;
      throw reason;
    }
    return this.#attempt(request);
  }

  /** Takes the place of a POST beforehand, for `sendReserved`. */
  reserve(signal?: AbortSignal): Promise<void> {
    return this.#tools.budget.take('POST', signal);
  }

  /** One attempt at once, in a place that was reserved for it. */
  sendReserved(request: PostRequest): Promise<Exchange> {
    return this.#attempt(request);
  }

  /** Ms until the pause ends that the cloud asked for; 0 when there is none. */
  get pausedForMs(): number {
    return this.#tools.budget.pausedForMs;
  }

  /** Requests so far. */
  get sent(): number {
    return this.#sent;
  }

  /** How often the run slowed down. */
  get slowdowns(): number {
    return this.#tools.budget.slowdowns;
  }

  /** From now on this listener is told of each pause, until what it returns is called; then the one before it again. */
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
    if (throttle) this.#slowDown(throttle, exchange, sentAt);
    return exchange;
  }

  #slowDown(throttle: Throttle, exchange: Exchange, sentAtMs: number): void {
    const { budget, clock, retry } = this.#tools;
    const { asked_ms = 0 } = throttle;
    const before = budget.pausedForMs;
    const wanted = Math.max(retry.min_delay_ms, Math.min(asked_ms, retry.max_retry_after_ms));
    budget.slowDown(sentAtMs, wanted);
    const pause_ms = Math.max(before, wanted);
    if (asked_ms > retry.max_retry_after_ms) {
      this.#refusal = new Refusal(exchange, clock.monotonic() + pause_ms);
      budget.dismissReads(this.#refusal);
    }
    if (pause_ms >= before + LONGER_MS) this.#listeners.at(-1)?.({ ...throttle, pause_ms });
  }
}
