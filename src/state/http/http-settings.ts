import { MultilineText } from '../../domain/diagnostic.ts';
import type { Env } from '../../domain/env.ts';
import { Failure } from '../../domain/errors.ts';
import { quotedWhole } from '../../domain/escape/quoted.ts';
import { optional } from '../../domain/optional.ts';
import { shownLocation } from '../../domain/shown-location.ts';
import type { TlsSettings } from '../../network/connections.ts';
import { type ProxyChoice, proxyFromEnv } from '../../network/proxy.ts';
import { unusablePem } from '../../network/unusable-pem.ts';
import { stateBytesMax, stateTimeoutMs } from '../answer-limits.ts';
import { ONE_MINUTE, type RetryPolicy } from '../remote-retry.ts';

/** How to speak to an HTTP state server: what Terraform and OpenTofu read from the same variables. */
export interface HttpStateSettings {
  readonly address: string;
  readonly update_method: string;
  readonly lock_address: string;
  readonly lock_method: string;
  readonly unlock_address: string;
  readonly unlock_method: string;
  readonly username?: string;
  readonly password?: string;
  readonly tls: TlsSettings;
  /** As for every request: HTTPS_PROXY and NO_PROXY. */
  readonly proxyFor: ProxyChoice;
  readonly retry: RetryPolicy;
  readonly state_bytes_max: number;
  /** For one request with its whole answer. */
  readonly request_timeout_ms: number;
}

/** GitLab and Gitea: the lock has an address of its own, and POST and DELETE take and release it. */
const HAS_LOCK_ADDRESS = /\/terraform\/state\/[^/]+\/*$/;

/**
 * `address` from `state:`, the rest from `TF_HTTP_*` (OpenTofu: internal/backend/remote-state/http). Without settings for
 * the lock, GitLab and Gitea are recognized by their path; any other server gets LOCK and UNLOCK at the address itself.
 * There is no state without a lock.
 */
export function httpStateSettings(address: string, env: Env): HttpStateSettings {
  const setting = (name: string) => env[`TF_HTTP_${name}`] || undefined;
  const matching = (name: string, pattern: RegExp, expected: string) => {
    const text = setting(name);
    if (text !== undefined && !pattern.test(text)) throw invalid(`TF_HTTP_${name}`, expected);
    return text;
  };
  const method = (name: string) => matching(name, /^[A-Z]+$/i, 'an HTTP method');
  const number = (name: string) => {
    const text = matching(name, /^\d{1,6}$/, 'a whole number');
    return text === undefined ? undefined : Number(text);
  };
  const ms = (name: string, default_ms: number) => (number(name) ?? default_ms / 1_000) * 1_000;
  // Node ignores a path here without an error, and would then reject the server.
  const pem = (name: string) =>
    matching(name, /-----BEGIN [A-Z ]+-----/, 'PEM text (-----BEGIN …), not a path');

  const hasLockAddress = HAS_LOCK_ADDRESS.test(new URL(address).pathname);
  if (hasLockAddress) refuseQuery(new URL(address));
  const lock = setting('LOCK_ADDRESS') ?? (hasLockAddress ? withPath(address, '/lock') : address);
  const unlock = setting('UNLOCK_ADDRESS') ?? lock;
  for (const [name, url] of [
    ['TF_HTTP_LOCK_ADDRESS', lock],
    ['TF_HTTP_UNLOCK_ADDRESS', unlock],
  ] as const) {
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
      throw invalid(name, 'an http:// or https:// address');
    if (new URL(url).password !== '') throw invalid(name, 'an address without a password (TF_HTTP_PASSWORD)');
    if (!belongsToState(url, address, hasLockAddress, setting('ADDRESS')))
      throw ofAnotherState(name, url, address);
  }
  const usesLockAddress = hasLockAddress && plainAddress(lock) === `${plainAddress(address)}/lock`;
  const cert = pem('CLIENT_CERTIFICATE_PEM');
  const key = pem('CLIENT_PRIVATE_KEY_PEM');
  const ca = pem('CLIENT_CA_CERTIFICATE_PEM');
  if ((cert === undefined) !== (key === undefined))
    throw invalid('TF_HTTP_CLIENT_CERTIFICATE_PEM', 'given together with TF_HTTP_CLIENT_PRIVATE_KEY_PEM');
  const tls: TlsSettings = { ...optional('ca', ca), ...optional('cert', cert), ...optional('key', key) };
  const unusable = unusablePem(tls);
  if (unusable) throw invalidSetting(PEM_VARIABLES[unusable.part], unusable.why);
  const skipVerification = matching('SKIP_CERT_VERIFICATION', /^(1|t|true|0|f|false)$/i, 'true or false');
  return {
    address: hasLockAddress ? withPath(address, '') : address,
    update_method: method('UPDATE_METHOD') ?? 'POST',
    lock_address: lock,
    lock_method: method('LOCK_METHOD') ?? (usesLockAddress ? 'POST' : 'LOCK'),
    unlock_address: unlock,
    unlock_method: method('UNLOCK_METHOD') ?? (usesLockAddress ? 'DELETE' : 'UNLOCK'),
    ...optional('username', setting('USERNAME')),
    ...optional('password', setting('PASSWORD')),
    tls: {
      ...optional('insecure', /^(1|t|true)$/i.test(skipVerification ?? '') || undefined),
      ...tls,
    },
    proxyFor: proxyFromEnv(env),
    state_bytes_max: stateBytesMax(env),
    request_timeout_ms: stateTimeoutMs(env),
    retry: {
      retries: number('RETRY_MAX') ?? ONE_MINUTE.retries,
      wait_ms_min: ms('RETRY_WAIT_MIN', ONE_MINUTE.wait_ms_min),
      wait_ms_max: ms('RETRY_WAIT_MAX', ONE_MINUTE.wait_ms_max),
    },
  };
}

/** GitLab and Gitea name a state by its path alone. A query of it would have to be repeated in the address of the lock. */
function refuseQuery({ href, search, searchParams }: URL): void {
  if (search === '') return;
  const names = [...new Set(searchParams.keys())].map(quotedWhole).join(', ');
  throw Failure.of('usage', 'state-url', `the address of a state on GitLab or Gitea has no query: ${names}`, {
    remedy: `name the state without it: ${quotedWhole(shownLocation(href.replace(/\?.*$/, '')))}; a token belongs in TF_HTTP_PASSWORD`,
  });
}

function invalid(name: string, expected: string): Failure {
  return invalidSetting(name, `must be ${expected}`);
}

/** The value is not shown: it may be a secret in the wrong variable. */
function invalidSetting(name: string, what: string): Failure {
  return Failure.of('usage', 'state-http-setting', `${name} ${what}`, {
    remedy: `correct ${name} in the environment`,
  });
}

const PEM_VARIABLES = {
  ca: 'TF_HTTP_CLIENT_CA_CERTIFICATE_PEM',
  cert: 'TF_HTTP_CLIENT_CERTIFICATE_PEM',
  key: 'TF_HTTP_CLIENT_PRIVATE_KEY_PEM',
} as const;

function withPath(address: string, more: string): string {
  const url = new URL(address);
  url.pathname = url.pathname.replace(/\/+$/, '') + more;
  return url.href;
}

/**
 * Whether a lock address belongs to this state. The variables are often set for a whole pipeline, in which Terraform has
 * another state: vbsctl would take the lock of that state and write this one without a lock. An address at or below the
 * address of the state belongs to it; any other only if TF_HTTP_ADDRESS names this state as well. GitLab and Gitea have
 * a single lock address: with two addresses, two runs would each get a lock.
 */
function belongsToState(
  lockAddress: string,
  address: string,
  hasLockAddress: boolean,
  configuredAddress: string | undefined,
): boolean {
  const [state, lock] = [plainAddress(address), plainAddress(lockAddress)];
  if (hasLockAddress) return lock === `${state}/lock` && new URL(lockAddress).search === '';
  if (lock === state || lock.startsWith(`${state}/`)) return true;
  return (
    configuredAddress !== undefined &&
    URL.canParse(configuredAddress) &&
    plainAddress(configuredAddress) === state
  );
}

/** Without login, query and final slashes. */
function plainAddress(address: string): string {
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
}

function ofAnotherState(name: string, lock: string, address: string): Failure {
  return Failure.of('refused', 'state-lock-address', `${name} is not the lock of this state`, {
    detail: new MultilineText(
      `The state: ${shownLocation(address)}`,
      `${name}: ${shownLocation(lock)}`,
      'Two runs could work on this state at once, and vbsctl would take the lock of another state.',
    ),
    remedy: HAS_LOCK_ADDRESS.test(new URL(address).pathname)
      ? `unset ${name}: the lock of this state is known, ${quotedWhole(shownLocation(withPath(address, '/lock')))}`
      : `unset ${name}; or, if it is right, set TF_HTTP_ADDRESS to the address of this state as well`,
  });
}
