import type { Clock } from '../../domain/clock.ts';
import type { Budget } from './budget.ts';
import type { Exchange, Http, HttpRequest, PostRequest } from './exchange.ts';
import { patienceAsked } from './patience.ts';

/** Every request of a run goes through here: within the budget, counted, and heard when it is asked to slow down. */
export class Wire {
  readonly #http: Http;
  readonly #budget: Budget;
  readonly #clock: Clock;
  #sent = 0;

  constructor(http: Http, budget: Budget, clock: Clock) {
    this.#http = http;
    this.#budget = budget;
    this.#clock = clock;
  }

  /** Waits for its place in the budget, then makes one attempt. Rejects only with the reason of an abort. */
  async send(request: HttpRequest): Promise<Exchange> {
    await this.#budget.take(request.method, request.method === 'GET' ? request.signal : undefined);
    return this.#attempt(request);
  }

  /** Takes the place of a POST beforehand, for `sendReserved`. */
  reserve(signal?: AbortSignal): Promise<void> {
    return this.#budget.take('POST', signal);
  }

  /** One attempt at once, in a place that was reserved for it. */
  sendReserved(request: PostRequest): Promise<Exchange> {
    return this.#attempt(request);
  }

  /** Requests so far. */
  get sent(): number {
    return this.#sent;
  }

  get slowdowns(): number {
    return this.#budget.slowdowns;
  }

  async #attempt(request: HttpRequest): Promise<Exchange> {
    this.#sent++;
    const sentAt = this.#clock.monotonic();
    const exchange = await this.#http.send(request);
    const patience = patienceAsked(exchange, this.#clock.now());
    if (patience !== undefined) this.#budget.slowDown(sentAt, patience);
    return exchange;
  }
}
