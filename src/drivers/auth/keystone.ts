import { canonicalAuthUrl } from '../../domain/cloud-project.ts';
import { unreachable } from '../../domain/errors.ts';
import { optional } from '../../domain/optional.ts';
import { isObject } from '../../domain/shape.ts';
import { compressionOf } from '../http/body-limits.ts';
import type { Answer, Credential } from '../http/exchange.ts';
import { cloudTimeMs, failureOf, parseObject, unreadable } from '../http/failures.ts';
import { type AttemptResult, isTransient, type RetryTools, retryRead } from '../http/read-retry.ts';
import type { ThrottledHttp } from '../http/throttled-http.ts';
import { withoutSecrets } from '../without-secrets.ts';
import type { CredentialResult, Session } from './auth-session.ts';
import type { TokenAuth } from './auth-settings.ts';
import { type Catalog, parseCatalog } from './catalog.ts';

/** A token is renewed when less time than this is left, or less than a fifth of a short lifetime. */
const MARGIN_MS_MAX = 60_000;

/** Longer than the lifetime of any real token. The limit keeps all computed times within what a clock can represent. */
const LIFETIME_MS_MAX = 365 * 24 * 3_600_000;

/** What Keystone sends with a token. */
export interface Token {
  readonly credential: Credential;
  /** Counted from the moment when the token was issued. */
  readonly lifetimeMs: number;
  /** Absent: the token belongs to no project and gives no access. */
  readonly project?: { readonly id: string; readonly name?: string };
  readonly catalog: Catalog;
}

interface KeystoneTools extends RetryTools {
  readonly http: ThrottledHttp;
}

/** A session in one project, with Keystone v3. */
export class KeystoneSession implements Session {
  readonly #authUrl: string;
  readonly #auth: TokenAuth;
  readonly #tools: KeystoneTools;
  #current:
    | { readonly credential: Credential; readonly renewAtMs: number; readonly expiresAtMs: number }
    | undefined;
  #renewal: Promise<AttemptResult<Token>> | undefined;
  /** The final refusal. It is kept, because repeated attempts with a wrong password lock accounts. */
  #refusal: Extract<AttemptResult<Token>, { kind: 'failed' }> | undefined;

  constructor(authUrl: string, auth: TokenAuth, tools: KeystoneTools) {
    this.#authUrl = authUrl;
    this.#auth = auth;
    this.#tools = tools;
  }

  /** Requests a new token, with everything that Keystone sends with it. */
  async authenticate(signal?: AbortSignal): Promise<AttemptResult<Token>> {
    if (this.#refusal) return this.#refusal;
    this.#renewal ??= this.#renew();
    return abortable(this.#renewal, signal);
  }

  async credential(signal?: AbortSignal): Promise<CredentialResult> {
    const current = this.#current;
    if (current && this.#tools.clock.monotonic() < current.renewAtMs)
      return { kind: 'granted', credential: current.credential };
    const renewed = await this.authenticate(signal);
    if (renewed.kind === 'done') return { kind: 'granted', credential: renewed.value.credential };
    // If Keystone cannot be reached, the current token is used during the margin.
    const latest = this.#current;
    return latest && this.#tools.clock.monotonic() < latest.expiresAtMs
      ? { kind: 'granted', credential: latest.credential }
      : { kind: 'unavailable', failure: renewed.failure, retryable: renewed.retryable };
  }

  reportRefused(credential: Credential): boolean {
    // Many callers may report the same token, but only the first report may cause a renewal.
    if (this.#current?.credential === credential) this.#current = undefined;
    return true;
  }

  async #renew(): Promise<AttemptResult<Token>> {
    try {
      const attempted = await retryRead(() => this.#request(), this.#tools);
      if (attempted.kind === 'failed' && !attempted.retryable) this.#refusal = attempted;
      return attempted;
    } finally {
      this.#renewal = undefined;
    }
  }

  async #request(): Promise<AttemptResult<Token>> {
    const { http, clock } = this.#tools;
    const sentAtMs = clock.monotonic();
    const exchange = await http.send({
      method: 'POST',
      url: keystoneUrl(this.#authUrl, 'auth/tokens'),
      headers: {},
      body: JSON.stringify(tokenRequest(this.#auth)),
    });
    if (exchange.kind !== 'answer' || exchange.status !== 201) {
      const failure = failureOf(exchange, clock.now());
      return { kind: 'failed', failure, retryable: isTransient(exchange) };
    }
    const token = parseToken(exchange, clock.now());
    if (typeof token === 'string')
      return { kind: 'failed', failure: unreadable(exchange, token), retryable: false };
    const expiresAtMs = sentAtMs + token.lifetimeMs;
    const marginMs = Math.min(MARGIN_MS_MAX, token.lifetimeMs / 5);
    this.#current = { credential: token.credential, renewAtMs: expiresAtMs - marginMs, expiresAtMs };
    return { kind: 'done', value: token };
  }
}

/** Treats `https://iam.example`, `https://iam.example/v3` and `https://iam.example/v3/` alike. */
export function keystoneUrl(authUrl: string, path: string): string {
  return `${canonicalAuthUrl(authUrl)}/v3/${path}`;
}

/** The body of `POST /v3/auth/tokens`. */
function tokenRequest(auth: TokenAuth): object {
  switch (auth.type) {
    case 'password':
      return {
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { ...auth.user, password: auth.password } },
          },
          scope: { project: auth.project },
        },
      };
    case 'token':
      return {
        auth: {
          identity: { methods: ['token'], token: { id: auth.token } },
          scope: { project: auth.project },
        },
      };
    case 'application_credential': {
      const { credential, secret } = auth;
      const who =
        'id' in credential ? { id: credential.id } : { name: credential.name, user: credential.user };
      return {
        auth: {
          identity: { methods: ['application_credential'], application_credential: { ...who, secret } },
        },
      };
    }
    default:
      return unreachable(auth);
  }
}

/** The token of a 201, or what is wrong with the answer. */
export function parseToken(answer: Answer, nowMs: number): Token | string {
  const text = answer.headers['x-subject-token'];
  if (text === undefined || text === '') return 'Keystone answered without a token (X-Subject-Token)';
  if (/[^\x21-\x7e]/.test(text))
    return 'Keystone answered with a token that holds spaces, or characters beyond ASCII (X-Subject-Token)';
  const body = parseObject(answer.text)?.token;
  const coding = compressionOf(answer);
  if (coding !== undefined) return `Keystone answered compressed (${coding}), which was not asked for`;
  if (!isObject(body)) return 'Keystone answered with a token but did not describe it';
  const expiresAtMs = Date.parse(String(body.expires_at));
  if (Number.isNaN(expiresAtMs)) return 'Keystone answered with a token that has no expiry';
  // Both times are those of the cloud, so that a wrong clock here neither shortens nor extends the lifetime.
  const issuedAtMs = Date.parse(String(body.issued_at));
  const givenAtMs = Number.isNaN(issuedAtMs) ? (cloudTimeMs(answer) ?? nowMs) : issuedAtMs;
  const { project } = body;
  return {
    credential: tokenCredential(text),
    lifetimeMs: Math.min(Math.max(expiresAtMs - givenAtMs, 0), LIFETIME_MS_MAX),
    ...optional('project', projectOf(project, answer)),
    catalog: withoutSecrets(parseCatalog(body.catalog), answer.secrets),
  };
}

function projectOf(project: unknown, { secrets }: Answer): Token['project'] {
  if (!isObject(project) || !isName(project.id)) return undefined;
  const { id, name } = project;
  if (secrets !== undefined && secrets.maskName(id) !== id) return undefined;
  return { id, ...(isName(name) ? { name: secrets?.maskName(name) ?? name } : {}) };
}

/** Keystone's own limit for a name. Ids and names go into the state and into messages. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 255;
}

/** All services take the token in this header. */
function tokenCredential(token: string): Credential {
  const headers = { 'X-Auth-Token': token };
  return { headers: () => headers };
}

/** Waits for the shared promise. Rejects with the signal's reason if this caller stops waiting. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  signal.throwIfAborted();
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
