import type { Exchange, Http, HttpRequest } from '../../src/drivers/http/exchange.ts';
import { type Delivery, factsOf, serve } from '../../src/emulator/cloud.ts';
import type { World } from '../../src/emulator/model.ts';
import type { Reply } from '../../src/emulator/wire.ts';
import type { SimClock } from './sim-clock.ts';

export const SIM_URL = 'http://cloud.sim';

/** What a client waits for an answer that never comes. */
const CLIENT_TIMEOUT_MS = 60_000;
const ONE_WAY_MS = 10;

/** A network without sockets: the emulator's cloud answers in virtual time, its faults included. */
export class SimNetwork implements Http {
  readonly #world: World;
  readonly #clock: SimClock;
  readonly #asked = new Map<string, number>();
  #ids = 0;
  /** Requests that reached the cloud, in order: `POST restore`, `GET volume`, … */
  readonly log: string[] = [];
  /** While true nothing connects. */
  down = false;
  /** Answers in place of the cloud, which then never hears of the request. */
  instead: (request: HttpRequest) => Exchange | undefined = () => undefined;

  constructor(world: World, clock: SimClock) {
    this.#world = world;
    this.#clock = clock;
  }

  async send(request: HttpRequest): Promise<Exchange> {
    if (this.down) return { kind: 'no_connection', message: 'connection refused', code: 'ECONNREFUSED' };
    if (request.method === 'POST' && request.mayLeave && !request.mayLeave())
      return { kind: 'no_connection', message: 'stale', code: 'NOT_SENT_STALE' };
    await this.#clock.sleep(ONE_WAY_MS);
    const instead = this.instead(request);
    if (instead) return instead;
    const requestId = `req-${++this.#ids}`;
    const exchange = await this.#exchange(this.#deliver(request, requestId), requestId);
    await this.#clock.sleep(ONE_WAY_MS);
    return exchange;
  }

  #deliver(request: HttpRequest, request_id: string): Delivery {
    const url = new URL(request.url);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const wire = {
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      headers,
      body: request.method === 'POST' ? request.body : '',
      base_url: SIM_URL,
      request_id,
    };
    const facts = factsOf(this.#world, wire);
    const key = `${facts?.route} ${facts?.resource}`;
    const nth = this.#asked.get(key) ?? 0;
    this.#asked.set(key, nth + 1);
    this.log.push(`${request.method} ${facts?.route}`);
    return serve(this.#world, wire, {
      now_ms: this.#clock.now(),
      newId: () => `id-${++this.#ids}`,
      requests: {},
      nth,
    });
  }

  async #exchange(delivery: Delivery, requestId: string): Promise<Exchange> {
    switch (delivery.kind) {
      case 'whole':
        await this.#clock.sleep(delivery.delay_ms);
        return this.#answer(delivery.reply, requestId);
      case 'cut':
        return { kind: 'broken', message: 'the answer was cut', code: 'RESPONSE_CUT', timeout: false };
      case 'reset':
        return { kind: 'broken', message: 'connection reset', code: 'ECONNRESET', timeout: false };
      case 'hang':
        await this.#clock.sleep(Math.min(delivery.for_ms, CLIENT_TIMEOUT_MS));
        return { kind: 'broken', message: 'no answer in time', code: 'REQUEST_TIMEOUT', timeout: true };
      case 'huge':
        return {
          kind: 'broken',
          message: 'the answer is too large',
          code: 'RESPONSE_TOO_LARGE',
          timeout: false,
        };
    }
  }

  #answer(reply: Reply, requestId: string): Exchange {
    const headers: Record<string, string> = {
      date: new Date(this.#clock.now()).toUTCString(),
      'x-openstack-request-id': requestId,
    };
    for (const [name, value] of Object.entries(reply.headers)) headers[name.toLowerCase()] = value;
    return { kind: 'answer', status: reply.status, headers, text: reply.body };
  }
}
