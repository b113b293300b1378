import type { Budget } from './budget.ts';
import type { Exchange, Http, HttpRequest, PostRequest } from './exchange.ts';

/** Every request of a run goes through here: within the budget, and counted. */
export class Wire {
  readonly #http: Http;
  readonly #budget: Budget;
  #sent = 0;

  constructor(http: Http, budget: Budget) {
    this.#http = http;
    this.#budget = budget;
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

  #attempt(request: HttpRequest): Promise<Exchange> {
    this.#sent++;
    return this.#http.send(request);
  }
}
