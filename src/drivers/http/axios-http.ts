import http from 'node:http';
import https from 'node:https';
import type { AxiosInstance } from 'axios';
import type { HttpSettings } from '../../domain/config.ts';
import { optional } from '../../domain/optional.ts';
import { type Connections, openConnections, type TlsSettings } from '../../network/connections.ts';
import { explainNetworkError } from '../../network/network-errors.ts';
import type { ProxyChoice } from '../../network/proxy.ts';
import { gateWrites, type WriteGate } from '../../network/write-gate.ts';
import type { Exchange, Http, HttpRequest } from './exchange.ts';

interface AxiosHttpSettings
  extends Pick<HttpSettings, 'connect_timeout_ms' | 'request_timeout_ms' | 'max_response_bytes'>,
    TlsSettings {
  /** The version of vbsctl, for the User-Agent. */
  readonly version: string;
  /** Default: no proxy. */
  readonly proxyFor?: ProxyChoice;
}

/**
 * The network, with one axios instance. axios is loaded with the first request, because it takes longer to load than
 * all other modules.
 */
export function createAxiosHttp(settings: AxiosHttpSettings): Http {
  const { ca, cert, key, insecure, proxyFor } = settings;
  const connections = openConnections({
    connectTimeoutMs: settings.connect_timeout_ms,
    ...optional('ca', ca),
    ...optional('cert', cert),
    ...optional('key', key),
    ...optional('insecure', insecure),
    ...optional('proxyFor', proxyFor),
  });
  let loading: Promise<AxiosInstance> | undefined;
  return {
    async send(request) {
      loading ??= loadAxios(settings);
      return makeExchange(await loading, connections, settings, request);
    },
  };
}

async function loadAxios(settings: AxiosHttpSettings): Promise<AxiosInstance> {
  const { default: axios } = await import('axios');
  return axios.create({
    adapter: 'http',
    maxRedirects: 0,
    proxy: false,
    decompress: false,
    validateStatus: () => true,
    responseType: 'text',
    transformRequest: [(data) => data],
    transformResponse: [(data) => data],
    headers: {
      'User-Agent': `vbsctl/${settings.version}`,
      Accept: 'application/json',
      'Accept-Encoding': 'identity',
    },
  });
}

async function makeExchange(
  axios: AxiosInstance,
  connections: Connections,
  settings: AxiosHttpSettings,
  request: HttpRequest,
): Promise<Exchange> {
  const state = new RequestState(settings.request_timeout_ms);
  const maxBytes = Math.min(settings.max_response_bytes, request.maxBytes ?? Infinity);
  const signal = request.method === 'GET' ? request.signal : undefined;
  signal?.throwIfAborted();
  const onAbort = () => state.stop('aborted');
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const response = await axios.request<string>({
      url: request.url,
      method: request.method,
      headers: { ...request.headers, ...(request.method === 'POST' ? JSON_BODY : {}) },
      data: request.method === 'POST' ? request.body : undefined,
      signal: state.signal,
      maxContentLength: maxBytes,
      transport: transportOf(state, connections, request),
    });
    return {
      kind: 'answer',
      status: response.status,
      headers: plainHeaders(response.headers),
      text: response.data,
    };
  } catch (error) {
    signal?.throwIfAborted();
    return failedExchange(
      error,
      state,
      { ...settings, max_response_bytes: maxBytes },
      new URL(request.url).host,
    );
  } finally {
    state.end();
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Maximum size of all headers of an answer. The tokens of some Keystones are larger than Node's default of 16 KiB. */
const HEADER_BYTES_MAX = 64 * 1024;

const JSON_BODY = { 'Content-Type': 'application/json' };

/** The state of one request: whether part of it may have been sent, and why it was stopped. */
class RequestState {
  readonly #controller = new AbortController();
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;
  mayHaveBeenSent = false;
  stopped: 'timeout' | 'aborted' | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Starts the time limit of the answer: the request has its socket. */
  onSocket(): void {
    this.#timer = setTimeout(() => this.stop('timeout'), this.#timeoutMs);
  }

  stop(why: 'timeout' | 'aborted'): void {
    this.stopped ??= why;
    this.#controller.abort();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/** Node's own client below axios: the only place that sees when a request gets its connected socket. */
function transportOf(state: RequestState, connections: Connections, request: HttpRequest) {
  return {
    request(options: https.RequestOptions, onResponse: (response: http.IncomingMessage) => void) {
      const agents = request.method === 'POST' ? connections.posts : connections.reads;
      const secure = options.protocol === 'https:';
      const agent = secure ? agents.https : agents.http;
      const sent = (secure ? https : http).request(
        { ...options, agent, maxHeaderSize: HEADER_BYTES_MAX },
        onResponse,
      );
      // Node writes the request right after this event, also on a reused connection.
      return sent.once('socket', (socket) => {
        state.onSocket();
        const { maySend, onWritten }: Partial<WriteGate> = request.method === 'POST' ? request : {};
        if (!maySend) state.mayHaveBeenSent = true;
        else
          gateWrites(socket, {
            maySend: () => {
              const may = maySend();
              state.mayHaveBeenSent ||= may;
              return may;
            },
            onWritten,
          });
      });
    },
  };
}

function failedExchange(
  error: unknown,
  state: RequestState,
  settings: AxiosHttpSettings,
  host: string,
): Exchange {
  // Only code and message are used: an axios error contains the whole request, including token and password.
  const { code = 'UNKNOWN', message } = error as Error & { code?: string };
  if (!state.mayHaveBeenSent)
    return { kind: 'no_connection', code, message: `${host}: ${explainNetworkError(code, message)}` };
  const broken = (why: string, what: string, timeout = false): Exchange => ({
    kind: 'broken',
    code: why,
    message: what,
    timeout,
  });
  if (state.stopped === 'timeout')
    return broken(
      'REQUEST_TIMEOUT',
      `no whole answer from ${host} within ${settings.request_timeout_ms} ms`,
      true,
    );
  // axios reports ERR_BAD_RESPONSE for a body over its limit and for a body that ends too early.
  if (code === 'ERR_BAD_RESPONSE') {
    const tooLarge = (error as { response?: unknown }).response === undefined;
    return tooLarge
      ? broken(
          'RESPONSE_TOO_LARGE',
          `the answer from ${host} is larger than ${settings.max_response_bytes} bytes`,
        )
      : broken('RESPONSE_CUT', `the answer from ${host} ended before it was whole`);
  }
  return broken(code, `${host}: ${explainNetworkError(code, message)}`);
}

function plainHeaders(headers: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value.join(', ') : String(value),
    ]),
  );
}
