import { createHash } from 'node:crypto';
import type { AxiosInstance } from 'axios';
import { optional } from '../../domain/record.ts';
import { openConnections } from '../../network/connections.ts';
import type { HttpStateSettings } from './settings.ts';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export interface Wire {
  /** One request, one answer, whatever its status. Rejects when there is none. */
  send(method: string, url: string, body?: string): Promise<Answer>;
}

const TIMEOUT_MS = 30_000;
/** Of it for the connection: proxy, TCP, TLS. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Redirects are not followed: a password must not wander. The network is loaded with the first request. */
export function httpWire(settings: HttpStateSettings): Wire {
  let loading: Promise<AxiosInstance> | undefined;
  return {
    async send(method, url, body) {
      loading ??= load(settings);
      const axios = await loading;
      const { status, data } = await axios.request<Buffer>({
        method,
        url,
        ...optional('data', body),
        headers: body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-MD5': md5(body) },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status, body: data };
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
    decompress: true,
    validateStatus: () => true,
    responseType: 'arraybuffer',
    transformRequest: [(data) => data],
    maxContentLength: Number.POSITIVE_INFINITY,
    maxBodyLength: Number.POSITIVE_INFINITY,
    headers: { 'User-Agent': 'vbsctl', Accept: 'application/json' },
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
