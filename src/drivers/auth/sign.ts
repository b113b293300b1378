// Own code instead of `@huaweicloud/huaweicloud-sdk-core`, which brings lodash, moment, log4js and an HTTP client.
import { createHmac, hash } from 'node:crypto';
import { optional } from '../../domain/optional.ts';
import { decodePercent, encodePercent } from '../../network/percent.ts';

/** An access key: its name (`AK`), and the secret that only its owner and the cloud know (`SK`). */
export interface AccessKey {
  readonly access_key: string;
  readonly secret_key: string;
  /** Belongs to temporary keys. It is a secret, too. */
  readonly security_token?: string;
}

interface Signable {
  readonly method: string;
  readonly url: string;
  /** Exactly the text that is sent; empty if there is no body. */
  readonly body: string;
}

const ALGORITHM = 'SDK-HMAC-SHA256';

/**
 * The headers that authenticate a request by signature instead of a token (SDK-HMAC-SHA256). Valid for 15 minutes
 * around `nowMs` by the clock of the cloud. `Host` is signed as Node sends it.
 */
export function sign(
  request: Signable,
  key: AccessKey,
  projectId: string | undefined,
  nowMs: number,
): Readonly<Record<string, string>> {
  const url = new URL(request.url);
  const date = sdkDate(nowMs);
  const headers: Record<string, string> = {
    'X-Sdk-Date': date,
    ...optional('X-Project-Id', projectId),
    ...optional('X-Security-Token', key.security_token),
  };
  const signed = Object.entries({ ...headers, host: url.host })
    .map(([name, value]): [string, string] => [name.toLowerCase(), value])
    .sort(byName);
  const names = signed.map(([name]) => name).join(';');
  const canonicalRequest = [
    request.method,
    canonicalPath(url.pathname),
    canonicalQuery(url.searchParams),
    ...signed.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    hash('sha256', request.body),
  ].join('\n');
  const toSign = [ALGORITHM, date, hash('sha256', canonicalRequest)].join('\n');
  const signature = createHmac('sha256', key.secret_key).update(toSign).digest('hex');
  return {
    ...headers,
    Authorization: `${ALGORITHM} Access=${key.access_key}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

/** `20261123T172725Z` */
function sdkDate(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** Encoded once, even if the URL is encoded already. Ends with a slash. */
function canonicalPath(pathname: string): string {
  const path = pathname
    .split('/')
    .map((segment) => encode(decodePercent(segment).toString()))
    .join('/');
  return path.endsWith('/') ? path : `${path}/`;
}

function canonicalQuery(query: URLSearchParams): string {
  return [...query]
    .sort((a, b) => byName(a, b) || (a[1] < b[1] ? -1 : 1))
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&');
}

/** Compares by code unit, independent of any language. */
function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Escapes everything except the unreserved characters of RFC 3986. */
function encode(text: string): string {
  return encodePercent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
