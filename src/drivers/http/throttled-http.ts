import type { Clock } from '../../domain/clock.ts';
import type { Slowdown, Throttle } from '../../domain/cloud.ts';
import type { RetrySettings } from '../../domain/config.ts';
import type { Budget } from './budget.ts';
import type { Answer, Exchange, Http, HttpRequest, PostRequest } from './exchange.ts';
import { throttleOf } from './throttle.ts';

type Listener = (slowdown: Slowdown) => void;

export interface WireTools {
  readonly http: Http;
  readonly budget: Budget;
  readonly clock: Clock;
  /** A pause is at least `min_delay` and at most `max_retry_after`. */
  readonly retry: Pick<RetrySettings, 'min_delay_ms' | 'max_retry_after_ms'>;
}

/** The cloud asked to wait longer than is waited. Monotonic ms. */
class Refusal {
  /** The cloud may be asked again. */
  readonly untilMs: number;
  /** It asked to be left alone until then. */
  readonly #askedUntilMs: number;
  /** The longest that is waited, ms. */
  readonly #limitMs: number;

  constructor(untilMs: number, askedUntilMs: number, limitMs: number) {
    this.untilMs = untilMs;
    this.#askedUntilMs = askedUntilMs;
    this.#limitMs = limitMs;
  }

  /**
   * What a request is answered with that is not sent: that it was throttled, whatever the answer was about that asked to
   * wait. Nothing of that answer is in it: it spoke of another thing (404), perhaps to another token. Once what is left
   * of the wait is within the limit it would be waited out, so then it says when the cloud is asked again: sooner.
   */
  answer(nowMs: number): Answer {
    const asked = this.#askedUntilMs - nowMs;
    const waitMs = asked > this.#limitMs ? asked : this.untilMs - nowMs;
    const seconds = Math.ceil(waitMs / 1_000);
    const error = { message: 'not asked again during the pause that the cloud asked for' };
    return {
      kind: 'answer',
      status: 429,
      headers: { 'retry-after': String(seconds) },
      text: JSON.stringify({ error }),
    };
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
   * Waits for its place in the budget, then makes one attempt. During a pause that is shorter than the cloud asked for, a
   * read is not sent but answered at once as throttled: it would wait in vain. Rejects only with the reason of an abort.
   */
  async send(request: HttpRequest): Promise<Exchange> {
    const signal = request.method === 'GET' ? request.signal : undefined;
    signal?.throwIfAborted();
    const { budget, clock } = this.#tools;
    const now = clock.monotonic();
    if (this.#refusal && now < this.#refusal.untilMs) return this.#refusal.answer(now);
    try {
      await budget.take(request.method, signal);
    } catch (reason) {
      if (reason instanceof Refusal) return reason.answer(clock.monotonic());
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

  /** Whether the run sends less than it might, since the cloud asked for it. */
  get isSlow(): boolean {
    return this.#tools.budget.isSlow;
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
      this.#refusal = new Refusal(now + pause_ms, now + asked_ms, retry.max_retry_after_ms);
      budget.dismissReads(this.#refusal);
    }
    if (pause_ms >= before + LONGER_MS) this.#listeners.at(-1)?.({ ...throttle, pause_ms });
  }
}
