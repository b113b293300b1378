import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { AxiosInstance } from 'axios';
import { optional } from '../../domain/optional.ts';
import { openConnections } from '../../network/connections.ts';
import { readBounded } from '../../network/read-bounded.ts';
import type { HttpStateSettings } from './http-settings.ts';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export interface Wire {
  /**
   * One request, one answer, whatever its status. Rejects when there is none, and with `AnswerTooLarge` when it is
   * longer than `bytesMax`, decompressed.
   */
  send(method: string, url: string, body: string | undefined, bytesMax: number): Promise<Answer>;
}

/** For the connection: proxy, TCP, TLS. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Redirects are not followed: a password must not wander. The network is loaded with the first request. */
export function httpWire(settings: HttpStateSettings): Wire {
  let loading: Promise<AxiosInstance> | undefined;
  return {
    async send(method, url, body, bytesMax) {
      loading ??= load(settings);
      const axios = await loading;
      const { status, data } = await axios.request<Readable>({
        method,
        url,
        ...optional('data', body),
        headers: body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-MD5': md5(body) },
        signal: AbortSignal.timeout(settings.request_timeout_ms),
      });
      return { status, body: await readBounded(data, bytesMax) };
    },
  };
}

async function load(settings: HttpStateSettings): Promise<AxiosInstance> {
  const { default: axios } = await import('axios');
  const { username, password = '', ca, cert, key, skip_cert_verification, proxyFor } = settings;
  const { reads: agents } = openConnections({
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    proxyFor,
    ...optional('ca', ca),
    ...optional('cert', cert),
    ...optional('key', key),
    ...optional('insecure', skip_cert_verification || undefined),
  });
  return axios.create({
    adapter: 'http',
    maxRedirects: 0,
    // Nobody is asked for it; what comes compressed all the same is counted decompressed (`readBounded`).
    decompress: true,
    validateStatus: () => true,
    responseType: 'stream',
    transformRequest: [(data) => data],
    maxContentLength: Number.POSITIVE_INFINITY,
    maxBodyLength: Number.POSITIVE_INFINITY,
    headers: { 'User-Agent': 'vbsctl', Accept: 'application/json', 'Accept-Encoding': 'identity' },
    // The agents connect through it; axios would write the request, password and all, to the proxy itself.
    proxy: false,
    httpAgent: agents.http,
    httpsAgent: agents.https,
    ...optional('auth', username === undefined ? undefined : { username, password }),
  });
}

/** As the protocol asks; no secret is guarded by it. */
function md5(body: string): string {
  return createHash('md5').update(body).digest('base64');
}
