import type { Clock } from '../../domain/clock.ts';
import type { CloudFailure } from '../../domain/cloud.ts';
import { anyArray, anyObject, type JsonObject } from '../../domain/shape.ts';
import { encodePercent } from '../../network/percent.ts';
import { ApiClient, type ClientTools } from '../api-client.ts';
import { checked, field, nonEmptyText } from '../fields.ts';
import type { Answer, Credential, HttpRequest } from '../http/exchange.ts';
import { failureOf } from '../http/failures.ts';
import type { ReadLimits } from '../http/read-limits.ts';
import type { RetryTools } from '../http/read-retry.ts';
import type { ThrottledHttp } from '../http/throttled-http.ts';
import type { CredentialResult, Session } from './auth-session.ts';
import { type Catalog, parseCatalog } from './catalog.ts';
import { type CloudClock, signatureSkew } from './cloud-clock.ts';
import { keystoneUrl } from './keystone.ts';
import { type AccessKey, sign } from './sign.ts';

/**
 * The service locks a key for five minutes after five refusals in a row. So nothing is signed for a while after each
 * refusal. Requests that are already in progress may still be refused.
 */
const PAUSE_AFTER_REFUSAL_MS = 60_000;

/** Signs each request with an access key, instead of a token (AK/SK). Nothing has to be renewed. */
export class SigningSession implements Session {
  readonly #credential: Credential;
  readonly #clock: Clock;
  readonly #cloudClock: CloudClock;
  #refusal: { readonly failure: CloudFailure; readonly untilMs: number } | undefined;

  /** `projectId` is absent until it is known. */
  constructor(
    key: AccessKey,
    projectId: string | undefined,
    { clock, cloudClock }: { readonly clock: Clock; readonly cloudClock: CloudClock },
  ) {
    this.#clock = clock;
    this.#cloudClock = cloudClock;
    this.#credential = {
      headers: (request: HttpRequest) =>
        sign(
          {
            method: request.method,
            url: request.url,
            body: request.method === 'POST' ? request.body : '',
          },
          key,
          projectId,
          clock.now(),
        ),
    };
  }

  async credential(): Promise<CredentialResult> {
    const refusal = this.#refusal;
    return refusal && this.#clock.monotonic() < refusal.untilMs
      ? { kind: 'unavailable', failure: refusal.failure, retryable: true }
      : { kind: 'granted', credential: this.#credential };
  }

  reportRefused(_: Credential, answer: Answer): boolean {
    const untilMs = this.#clock.monotonic() + PAUSE_AFTER_REFUSAL_MS;
    const failure = failureOf(answer, this.#clock.now());
    const skew = signatureSkew(this.#cloudClock);
    const message = skew === undefined ? failure.message : `${failure.message}; ${skew}`;
    this.#refusal = { failure: { ...failure, message }, untilMs };
    return false;
  }
}

export interface AccessTools extends RetryTools {
  readonly http: ThrottledHttp;
  readonly cloudClock: CloudClock;
  readonly limits: ReadLimits;
}

export type QueryResult<T> =
  | { readonly kind: 'found'; readonly value: T }
  | { readonly kind: 'failed'; readonly failure: CloudFailure };

/** Reads from Keystone what comes with a token, but not with a signature: the project and the catalog. */
export class KeystoneQueries {
  readonly #authUrl: string;
  readonly #key: AccessKey;
  readonly #tools: AccessTools;

  constructor(authUrl: string, key: AccessKey, tools: AccessTools) {
    this.#authUrl = authUrl;
    this.#key = key;
    this.#tools = tools;
  }

  /** The projects of that name that the owner of the key may see. */
  projectsByName(name: string, signal?: AbortSignal): Promise<QueryResult<readonly Project[]>> {
    return this.#read(
      undefined,
      `projects?name=${encodePercent(name)}`,
      // A service that does not know the filter lists all projects.
      (body) => parseProjects(body).filter((project) => project.name === name),
      signal,
    );
  }

  /** Every project that the owner of the key may work in. */
  accessibleProjects(signal?: AbortSignal): Promise<QueryResult<readonly Project[]>> {
    return this.#read(undefined, 'auth/projects', parseProjects, signal);
  }

  catalog(projectId: string, signal?: AbortSignal): Promise<QueryResult<Catalog>> {
    return this.#read(projectId, 'auth/catalog', (body) => parseCatalog(body.catalog), signal);
  }

  async #read<T>(
    projectId: string | undefined,
    path: string,
    parse: (body: JsonObject) => T,
    signal: AbortSignal | undefined,
  ): Promise<QueryResult<T>> {
    const session = new SigningSession(this.#key, projectId, this.#tools);
    const tools: ClientTools = { ...this.#tools, session };
    const reading = await new ApiClient(tools).read(keystoneUrl(this.#authUrl, path), parse, signal, {
      maxBytes: Infinity,
    });
    return reading.kind === 'found'
      ? { kind: 'found', value: reading.value }
      : { kind: 'failed', failure: reading.failure };
  }
}

interface Project {
  readonly id: string;
  readonly name: string;
}

function parseProjects(body: JsonObject): Project[] {
  return checked(body.projects, anyArray, 'projects')
    .map((value) => checked(value, anyObject, 'project'))
    .map((project) => ({
      id: field(project, 'id', nonEmptyText),
      name: field(project, 'name', nonEmptyText),
    }));
}
