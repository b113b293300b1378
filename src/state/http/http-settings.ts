import { Lines } from '../../domain/diagnostic.ts';
import { Failure } from '../../domain/errors.ts';
import { quotedWhole } from '../../domain/escape/quoted.ts';
import { optional } from '../../domain/optional.ts';
import { shownLocation } from '../../domain/shown-location.ts';
import { type ProxyChoice, proxyFromEnv } from '../../network/proxy.ts';
import { stateBytesMax, stateTimeoutMs } from '../answer-limits.ts';
import { A_MINUTE, type RetryPolicy } from '../retry.ts';

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
  readonly skip_cert_verification: boolean;
  /** PEM text, not a path. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** As for every request: HTTPS_PROXY and NO_PROXY. */
  readonly proxyFor: ProxyChoice;
  readonly retry: RetryPolicy;
  readonly state_bytes_max: number;
  /** Of one request, its whole answer included. */
  readonly request_timeout_ms: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** GitLab and Gitea lock beside the state, by POST and DELETE. */
const LOCKS_BESIDE = /\/terraform\/state\/[^/]+\/?$/;

/**
 * `address` from `state:`, the rest from `TF_HTTP_*` (OpenTofu: internal/backend/remote-state/http). Where those say
 * nothing of locking, GitLab and Gitea are known by their path; any other server is asked by LOCK and UNLOCK at the
 * address itself. There is no state without a lock.
 */
export function httpStateSettings(address: string, env: Environment): HttpStateSettings {
  const named = (name: string) => env[`TF_HTTP_${name}`] || undefined;
  const locksBeside = LOCKS_BESIDE.test(new URL(address).pathname);
  const lock = named('LOCK_ADDRESS') ?? (locksBeside ? withPath(address, '/lock') : address);
  const unlock = named('UNLOCK_ADDRESS') ?? lock;
  for (const [name, url] of [
    ['TF_HTTP_LOCK_ADDRESS', lock],
    ['TF_HTTP_UNLOCK_ADDRESS', unlock],
  ] as const) {
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) throw wrong(name, 'an http:// or https:// address');
    if (new URL(url).password !== '') throw wrong(name, 'an address without a password (TF_HTTP_PASSWORD)');
    if (!isOfState(url, address, locksBeside, named('ADDRESS'))) throw ofAnotherState(name, url, address);
  }
  const beside = locksBeside && placeOf(lock) === `${placeOf(address)}/lock`;
  const ca = pem('CLIENT_CA_CERTIFICATE_PEM');
  const cert = pem('CLIENT_CERTIFICATE_PEM');
  const key = pem('CLIENT_PRIVATE_KEY_PEM');
  if ((cert === undefined) !== (key === undefined))
    throw wrong('TF_HTTP_CLIENT_CERTIFICATE_PEM', 'given together with TF_HTTP_CLIENT_PRIVATE_KEY_PEM');
  return {
    address: locksBeside ? withPath(address, '') : address,
    update_method: method('UPDATE_METHOD') ?? 'POST',
    lock_address: lock,
    lock_method: method('LOCK_METHOD') ?? (beside ? 'POST' : 'LOCK'),
    unlock_address: unlock,
    unlock_method: method('UNLOCK_METHOD') ?? (beside ? 'DELETE' : 'UNLOCK'),
    ...optional('username', named('USERNAME')),
    ...optional('password', named('PASSWORD')),
    skip_cert_verification: yes('SKIP_CERT_VERIFICATION'),
    ...optional('ca', ca),
    ...optional('cert', cert),
    ...optional('key', key),
    proxyFor: proxyFromEnv(env),
    state_bytes_max: stateBytesMax(env),
    request_timeout_ms: stateTimeoutMs(env),
    retry: {
      retries: number('RETRY_MAX') ?? A_MINUTE.retries,
      wait_ms_min: seconds('RETRY_WAIT_MIN') ?? A_MINUTE.wait_ms_min,
      wait_ms_max: seconds('RETRY_WAIT_MAX') ?? A_MINUTE.wait_ms_max,
    },
  };

  function method(name: string): string | undefined {
    const text = named(name);
    if (text !== undefined && !/^[A-Z]+$/i.test(text)) throw wrong(`TF_HTTP_${name}`, 'an HTTP method');
    return text;
  }

  /** A path there is taken for no certificate at all by Node, and the server is not believed. */
  function pem(name: string): string | undefined {
    const text = named(name);
    if (text !== undefined && !/-----BEGIN [A-Z ]+-----/.test(text))
      throw wrong(`TF_HTTP_${name}`, 'PEM text (-----BEGIN …), not a path');
    return text;
  }

  function yes(name: string): boolean {
    const text = named(name) ?? 'false';
    if (!/^(1|t|true|0|f|false)$/i.test(text)) throw wrong(`TF_HTTP_${name}`, 'true or false');
    return /^(1|t|true)$/i.test(text);
  }

  function number(name: string): number | undefined {
    const text = named(name);
    if (text !== undefined && !/^\d{1,6}$/.test(text)) throw wrong(`TF_HTTP_${name}`, 'a whole number');
    return text === undefined ? undefined : Number(text);
  }

  function seconds(name: string): number | undefined {
    const value = number(name);
    return value === undefined ? undefined : value * 1_000;
  }
}

/** Its value is not repeated: it may be a secret in the wrong place. */
function wrong(name: string, expected: string): Failure {
  return Failure.of('usage', 'state-http-setting', `${name} must be ${expected}`, {
    remedy: `correct ${name} in the environment`,
  });
}

function withPath(address: string, more: string): string {
  const url = new URL(address);
  url.pathname = url.pathname.replace(/\/+$/, '') + more;
  return url.href;
}

/**
 * Whether a lock address is that of the state at hand. The variables are often set for a whole pipeline, in which
 * Terraform has a state of its own: its lock would be taken, and this state written without one. At the state's
 * address and below it belongs to it; elsewhere only where TF_HTTP_ADDRESS says that the variables speak of this
 * state. GitLab and Gitea have one place for it and no other: at two places below it two runs would each have a lock.
 */
function isOfState(lock: string, address: string, locksBeside: boolean, named: string | undefined): boolean {
  const [state, of] = [placeOf(address), placeOf(lock)];
  if (locksBeside) return of === `${state}/lock` && new URL(lock).search === '';
  if (of === state || of.startsWith(`${state}/`)) return true;
  return named !== undefined && URL.canParse(named) && placeOf(named) === state;
}

/** Without login, query and the slash at the end. */
function placeOf(address: string): string {
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
}

function ofAnotherState(name: string, lock: string, address: string): Failure {
  return Failure.of('refused', 'state-lock-address', `${name} is not the lock of this state`, {
    detail: new Lines(
      `The state: ${shownLocation(address)}`,
      `${name}: ${shownLocation(lock)}`,
      'Two runs could then work on this state at once, and the lock of another one would be taken.',
    ),
    remedy: LOCKS_BESIDE.test(new URL(address).pathname)
      ? `unset ${name}: the lock of this state is known, ${quotedWhole(shownLocation(withPath(address, '/lock')))}`
      : `unset ${name}; or, if it is right, set TF_HTTP_ADDRESS to the address of this state as well`,
  });
}
