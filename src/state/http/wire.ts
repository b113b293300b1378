import { createHash } from 'node:crypto';
import type { AxiosInstance } from 'axios';
import { optional } from '../../domain/record.ts';
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
  const [{ default: axios }, { Agent: HttpAgent }, { Agent: HttpsAgent }] = await Promise.all([
    import('axios'),
    import('node:http'),
    import('node:https'),
  ]);
  const { username, password = '', ca, cert, key, skip_cert_verification } = settings;
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
    httpAgent: new HttpAgent({ keepAlive: true }),
    httpsAgent: new HttpsAgent({
      keepAlive: true,
      rejectUnauthorized: !skip_cert_verification,
      ...optional('ca', ca),
      ...optional('cert', cert),
      ...optional('key', key),
    }),
    ...optional('auth', username === undefined ? undefined : { username, password }),
  });
}

/** As the protocol asks; no secret is guarded by it. */
function md5(body: string): string {
  return createHash('md5').update(body).digest('base64');
}
