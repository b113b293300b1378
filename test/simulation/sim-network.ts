import type { Exchange, Http, HttpRequest } from '../../src/drivers/http/exchange.ts';
import { type Delivery, factsOf, serve } from '../../src/emulator/cloud.ts';
import type { FaultFacts } from '../../src/emulator/faults.ts';
import type { World } from '../../src/emulator/model.ts';
import type { Reply } from '../../src/emulator/wire.ts';
import type { SimClock } from './sim-clock.ts';

export const SIM_URL = 'http://cloud.sim';

/** What a client waits for an answer that never comes. */
const CLIENT_TIMEOUT_MS = 60_000;
const ONE_WAY_MS = 10;

/** A request as it reaches the cloud. */
export interface Arrival {
  readonly request_id: string;
  readonly request: HttpRequest;
  readonly facts: Omit<FaultFacts, 'nth'> | null;
}

/** What a simulation may see and bend, on top of the faults of the emulated cloud. */
export interface NetworkHooks {
  /** Right before the cloud serves it. A world to serve it from in place of the true one: an older copy. */
  readonly arriving?: (arrival: Arrival) => World | undefined;
  readonly served?: (arrival: Arrival, delivery: Delivery) => void;
  /** What the answers’ `Date` says beyond the true time, ms; `missing`: there is none. */
  readonly date?: number | 'missing';
}

/** A network without sockets: the emulator's cloud answers in virtual time, its faults included. */
export class SimNetwork implements Http {
  readonly #world: World;
  readonly #clock: SimClock;
  readonly #hooks: NetworkHooks;
  readonly #asked = new Map<string, number>();
  #ids = 0;
  /** Requests that reached the cloud, in order: `POST restore`, `GET volume`, … */
  readonly log: string[] = [];
  /** While true nothing connects, and answers under way are lost. */
  down = false;
  /** Between the question whether a POST may leave and its write: what a process does not notice that is frozen there. */
  beforeWrite: (request: HttpRequest) => void = () => {};
  /** Answers in place of the cloud, which then never hears of the request. */
  instead: (request: HttpRequest) => Exchange | undefined = () => undefined;

  constructor(world: World, clock: SimClock, hooks: NetworkHooks = {}) {
    this.#world = world;
    this.#clock = clock;
    this.#hooks = hooks;
  }

  async send(request: HttpRequest): Promise<Exchange> {
    const signal = request.method === 'GET' ? request.signal : undefined;
    signal?.throwIfAborted();
    const exchange = this.#send(request);
    return signal ? abortable(exchange, signal) : exchange;
  }

  async #send(request: HttpRequest): Promise<Exchange> {
    if (this.down) return { kind: 'no_connection', message: 'connection refused', code: 'ECONNREFUSED' };
    if (request.method === 'POST' && request.maySend && !request.maySend())
      return { kind: 'no_connection', message: 'stale', code: 'NOT_SENT' };
    if (request.method === 'POST') request.onWritten?.();
    this.beforeWrite(request);
    if (request.method === 'POST') request.onWritten?.();
    await this.#clock.sleep(ONE_WAY_MS);
    const instead = this.instead(request);
    if (instead) return instead;
    if (this.down) return LOST;
    const requestId = `req-${++this.#ids}`;
    const exchange = await this.#exchange(this.#deliver(request, requestId), requestId);
    await this.#clock.sleep(ONE_WAY_MS);
    return this.down ? LOST : exchange;
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
    const arrival = { request_id, request, facts };
    const older = this.#hooks.arriving?.(arrival);
    const delivery = serve(older ?? this.#world, wire, {
      now_ms: this.#clock.now(),
      newId: () => `id-${++this.#ids}`,
      requests: {},
      nth,
    });
    this.#hooks.served?.(arrival, delivery);
    return delivery;
  }

  async #exchange(delivery: Delivery, requestId: string): Promise<Exchange> {
    switch (delivery.kind) {
      case 'complete':
        await this.#clock.sleep(Math.min(delivery.delay_ms, CLIENT_TIMEOUT_MS));
        return delivery.delay_ms >= CLIENT_TIMEOUT_MS ? TIMED_OUT : this.#answer(delivery.reply, requestId);
      case 'cut':
        return { kind: 'broken', message: 'the answer was cut', code: 'RESPONSE_CUT', timeout: false };
      case 'reset':
        return LOST;
      case 'hang':
        await this.#clock.sleep(Math.min(delivery.for_ms, CLIENT_TIMEOUT_MS));
        return TIMED_OUT;
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
    const { date = 0 } = this.#hooks;
    const headers: Record<string, string> = {
      ...(date === 'missing' ? {} : { date: new Date(this.#clock.now() + date).toUTCString() }),
      'x-openstack-request-id': requestId,
    };
    for (const [name, value] of Object.entries(reply.headers)) headers[name.toLowerCase()] = value;
    return { kind: 'answer', status: reply.status, headers, text: reply.body };
  }
}

const LOST: Exchange = { kind: 'broken', message: 'connection reset', code: 'ECONNRESET', timeout: false };
const TIMED_OUT: Exchange = {
  kind: 'broken',
  message: 'no answer in time',
  code: 'REQUEST_TIMEOUT',
  timeout: true,
};

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(
      (value) => {
        signal.removeEventListener('abort', abort);
        resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener('abort', abort);
        reject(error);
      },
    );
  });
}
