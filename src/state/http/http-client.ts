import { hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { AxiosInstance } from 'axios';
import { optional } from '../../domain/optional.ts';
import { openConnections } from '../../network/connections.ts';
import { readBounded } from '../../network/read-bounded.ts';
import type { HttpStateSettings } from './http-settings.ts';

export interface ServerAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/**
 * Sends one request and resolves to its answer, whatever its status. Rejects if there is none, and with `AnswerTooLarge`
 * if its body, decompressed, is longer than `bytesMax`.
 */
export type Send = (
  method: string,
  url: string,
  body: string | Buffer | undefined,
  bytesMax: number,
) => Promise<ServerAnswer>;

/** For the connection: proxy, TCP, TLS. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Loads axios and the network modules with the first request. */
export function httpSender(settings: HttpStateSettings): Send {
  let loading: Promise<AxiosInstance> | undefined;
  return async (method, url, body, bytesMax) => {
    loading ??= loadAxios(settings);
    const { status, data } = await (await loading).request<Readable>({
      method,
      url,
      ...optional('data', body),
      headers: body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-MD5': md5(body) },
      signal: AbortSignal.timeout(settings.request_timeout_ms),
    });
    return { status, body: await readBounded(data, bytesMax) };
  };
}

async function loadAxios(settings: HttpStateSettings): Promise<AxiosInstance> {
  const { default: axios } = await import('axios');
  const { username, password = '', tls, proxyFor } = settings;
  const { reads: agents } = openConnections({ connectTimeoutMs: CONNECT_TIMEOUT_MS, proxyFor, ...tls });
  return axios.create({
    adapter: 'http',
    // A redirect would send the password to another server.
    maxRedirects: 0,
    // vbsctl does not ask for compression; a compressed answer is counted decompressed (`readBounded`).
    decompress: true,
    validateStatus: () => true,
    responseType: 'stream',
    transformRequest: [(data) => data],
    maxContentLength: Number.POSITIVE_INFINITY,
    maxBodyLength: Number.POSITIVE_INFINITY,
    headers: { 'User-Agent': 'vbsctl', Accept: 'application/json', 'Accept-Encoding': 'identity' },
    // The agents connect through the proxy; axios itself would send the request, with the password, to the proxy.
    proxy: false,
    httpAgent: agents.http,
    httpsAgent: agents.https,
    ...optional('auth', username === undefined ? undefined : { username, password }),
  });
}

/** The protocol requires it; it protects no secret. */
function md5(body: string | Buffer): string {
  return hash('md5', body, 'base64');
}
