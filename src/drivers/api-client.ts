import { type ChunkedWork, runInterruptibly } from '../domain/chunked-work.ts';
import type { CloudFailure, Reading } from '../domain/cloud.ts';
import type { UnreadableEntry } from '../domain/cloud-snapshot.ts';
import { optional } from '../domain/optional.ts';
import type { Secrets } from '../domain/secrets.ts';
import { anyArray, isObject, type JsonObject } from '../domain/shape.ts';
import { encodePercent } from '../network/percent.ts';
import type { CredentialResult, Session } from './auth/auth-session.ts';
import type { Listing, ListOptions } from './driver.ts';
import { checked, id, nonEmptyText, text, UnexpectedShape } from './fields.ts';
import { compressionOf, jsonLimitError } from './http/body-limits.ts';
import { type Answer, type GetRequest, RESOURCE_BYTES_MAX } from './http/exchange.ts';
import { cloudTimeMs, errorBody, failureOf, isHtml, parseObject, unreadable } from './http/failures.ts';
import type { ReadLimits } from './http/read-limits.ts';
import { type AttemptResult, isTransient, type RetryTools, retryRead } from './http/read-retry.ts';
import type { ThrottledHttp } from './http/throttled-http.ts';
import { withoutSecrets } from './without-secrets.ts';

/** Page size to ask for: the maximum of EVS and Cinder. */
const PAGE_SIZE = 1_000;

export interface ClientTools extends RetryTools {
  readonly http: ThrottledHttp;
  readonly session: Session;
  readonly limits: ReadLimits;
  /** Aborts the reads that have no signal of their own. */
  readonly stop?: AbortSignal;
}

/** One paged list of an API. */
export interface ListRequest<T> {
  readonly url: string;
  /** Key of the entries in the answer: `volumes`. Their links are in `volumes_links`. */
  readonly key: string;
  /** How to ask for the next page if the answer has no `next` link. */
  readonly continueBy: 'marker' | 'offset';
  readonly parse: (value: unknown) => T;
  readonly headers?: Headers;
}

type Headers = Readonly<Record<string, string>>;

/** Reads of an OpenStack-like API, with credential, budget and retries. All drivers use it. */
export class ApiClient {
  readonly #tools: ClientTools;

  constructor(tools: ClientTools) {
    this.#tools = tools;
  }

  /**
   * Reads one resource, of at most one mebibyte by default. `parse` may throw UnexpectedShape. Rejects only with the
   * signal's reason.
   */
  async read<T>(
    url: string,
    parse: (body: JsonObject) => T,
    signal: AbortSignal | undefined,
    {
      headers = {},
      maxBytes = RESOURCE_BYTES_MAX,
    }: { headers?: Headers | undefined; maxBytes?: number } = {},
  ): Promise<Reading<T>> {
    const result = await this.#get(url, signal, headers, maxBytes);
    if (result.kind !== 'answer') return result;
    const { answer } = result;
    if (answer.status === 404 && isAboutResource(answer))
      return { kind: 'gone', failure: this.#failure(answer) };
    const parsed = await this.#parse(answer, (body) => withoutSecrets(parse(body), answer.secrets));
    return parsed.kind === 'parsed'
      ? { kind: 'found', value: parsed.value, ...optional('cloud_time_ms', cloudTimeMs(answer)) }
      : parsed;
  }

  /**
   * Reads the list with a limit of one entry, to learn whether it may be read. Returns the number of entries (0 or 1).
   */
  checkListAccess(
    { url, key, headers }: Pick<ListRequest<unknown>, 'url' | 'key' | 'headers'>,
    signal?: AbortSignal,
  ): Promise<Reading<number>> {
    return this.read(`${url}?limit=1`, (body) => checked(body[key], anyArray, key).length, signal, {
      headers,
      // A server that does not know the limit sends all entries.
      maxBytes: Infinity,
    });
  }

  /** Reads the entries page by page, as far as the caller wants them. Rejects only with the signal's reason. */
  async list<T extends { readonly id: string }>(
    request: ListRequest<T>,
    signal: AbortSignal | undefined,
    { status, wantsMore, onUnreadable }: ListOptions<T> = {},
  ): Promise<Listing<T>> {
    // By id: an entry that moves to another page during the read must not count twice.
    const values = new Map<string, T>();
    const requested = new Set<string>();
    const filter = status === undefined ? '' : `status=${encodePercent(status)}&`;
    let query = `${filter}limit=${PAGE_SIZE}`;
    let count = 0;
    let bytes = 0;
    for (let pages = 1; ; pages++) {
      requested.add(query);
      const result = await this.#get(`${request.url}?${query}`, signal, request.headers ?? {}, Infinity);
      if (result.kind !== 'answer') return result;
      bytes += Buffer.byteLength(result.answer.text);
      const parsed = await this.#parse(result.answer, (body) =>
        runInterruptibly(
          parsePage(body, request, result.answer.secrets, onUnreadable),
          signal ?? this.#tools.stop,
        ),
      );
      if (parsed.kind !== 'parsed') return parsed;
      const { entries, size, lastId, next, total } = parsed.value;
      const countBefore = values.size;
      for (const entry of entries) values.set(entry.id, entry);
      count += size;
      const listing = (complete: boolean): Listing<T> => ({
        kind: 'listed',
        values: [...values.values()],
        pages,
        complete,
      });
      const following =
        size === 0 ? undefined : (next ?? nextQuery(request, filter, { size, lastId, count, total }));
      if (following === undefined) return listing(true);
      if (wantsMore?.(entries, pages) === false) return listing(false);
      if (values.size === countBefore && entries.length > 0) {
        // A server that knows neither limit nor marker has sent all entries with the first page.
        if (next === undefined && values.size > PAGE_SIZE) return listing(true);
        return finalFailure(`page ${pages} of the list of ${request.key} repeats the pages before it`);
      }
      if (requested.has(following))
        return finalFailure(`the pages of the list of ${request.key} link back to an earlier page`);
      const limitError = this.#tools.limits.ofList(request.key, pages + 1, bytes);
      if (limitError !== undefined) return finalFailure(limitError);
      query = following;
    }
  }

  async #get(
    url: string,
    given: AbortSignal | undefined,
    headers: Headers,
    maxBytes: number,
  ): Promise<{ readonly kind: 'answer'; readonly answer: Answer } | Unreadable> {
    const signal = given ?? this.#tools.stop;
    const limitError = this.#tools.limits.ofRun();
    if (limitError !== undefined) return finalFailure(limitError);
    const attempted = await retryRead(
      () => this.#attempt({ method: 'GET', url, headers, signal, maxBytes }),
      this.#tools,
      signal,
    );
    if (attempted.kind === 'failed')
      return { kind: 'unreadable', failure: attempted.failure, retryable: attempted.retryable };
    const answer = attempted.value;
    return answer.kind === 'answer'
      ? { kind: 'answer', answer }
      : { kind: 'unreadable', failure: answer.failure, retryable: answer.retryable };
  }

  /** If no credential is available, fails at once: the session has already retried. */
  async #attempt(request: GetRequest): Promise<AttemptResult<Answer | MissingCredential>> {
    const { session, http, clock, limits } = this.#tools;
    for (let renewed = false; ; renewed = true) {
      const result = await session.credential(request.signal);
      if (result.kind === 'unavailable') return { kind: 'done', value: result };
      const { credential } = result;
      const exchange = await http.send({ ...request, credential });
      if (exchange.kind === 'answer') limits.count(Buffer.byteLength(exchange.text));
      // A refused read had no effect, so it is repeated once with a new credential.
      if (exchange.kind === 'answer' && exchange.status === 401)
        if (session.reportRefused(credential, exchange) && !renewed) continue;
      if (exchange.kind !== 'answer' || isTransient(exchange))
        return {
          kind: 'failed',
          failure: failureOf(exchange, clock.now()),
          retryable: isTransient(exchange),
        };
      return { kind: 'done', value: exchange };
    }
  }

  async #parse<T>(
    answer: Answer,
    parse: (body: JsonObject) => T | Promise<T>,
  ): Promise<{ readonly kind: 'parsed'; readonly value: T } | Unreadable> {
    if (answer.status !== 200)
      return { kind: 'unreadable', failure: this.#failure(answer), retryable: false };
    const body = parseObject(answer.text);
    try {
      if (!body) throw new UnexpectedShape(whyNoObject(answer));
      return { kind: 'parsed', value: await parse(body) };
    } catch (error) {
      if (!(error instanceof UnexpectedShape)) throw error;
      const failure = unreadable(answer, `the answer is not what the API promises: ${error.message}`);
      return { kind: 'unreadable', failure, retryable: false };
    }
  }

  #failure(answer: Answer): CloudFailure {
    return failureOf(answer, this.#tools.clock.now());
  }
}

/** Not retryable: a list that is too long or repeats its pages would be the same again. */
function finalFailure(message: string): Unreadable {
  return { kind: 'unreadable', failure: { cause: 'unreadable', message }, retryable: false };
}

function whyNoObject(answer: Answer): string {
  const coding = compressionOf(answer);
  if (coding !== undefined) return `it is compressed (${coding}), which was not asked for`;
  const limitError = jsonLimitError(answer.text);
  return limitError === undefined ? 'it is not a JSON object' : `it ${limitError}`;
}

type Unreadable = Extract<Reading<never>, { kind: 'unreadable' }>;
type MissingCredential = Extract<CredentialResult, { kind: 'unavailable' }>;

/**
 * Whether a 404 is about the requested resource. An HTML page or a gateway's "no such API" (`APIGW.…`) means that the
 * URL is wrong, and says nothing about volumes.
 */
function isAboutResource(answer: Answer): boolean {
  return !isHtml(answer) && !errorBody(answer)?.code?.startsWith('APIGW.');
}

/**
 * A generator: yields after each thousand entries, so that a stop can end it. A server may send more entries than requested,
 * with names that take long to search for secrets.
 */
function* parsePage<T>(
  body: JsonObject,
  { key, parse }: ListRequest<T>,
  secrets: Secrets | undefined,
  onUnreadable: ListOptions<T>['onUnreadable'],
): ChunkedWork<Page<T>> {
  const entries: T[] = [];
  const all = checked(body[key], anyArray, key);
  const leftOut: UnreadableEntry[] = [];
  for (const [index, entry] of all.entries()) {
    if (index > 0 && index % PAGE_SIZE === 0) yield;
    try {
      entries.push(withoutSecrets(parse(entry), secrets));
    } catch (error) {
      if (!(error instanceof UnexpectedShape)) throw error;
      const unreadable = readablePart(entry, error.message, secrets);
      const { id } = unreadable;
      const which = id === undefined ? '' : ` (id ${id})`;
      const last = index === all.length - 1;
      // If no entry can be read, it is another API.
      const isOtherApi = last && index > 0 && entries.length === 0;
      if (!onUnreadable || isOtherApi)
        throw new UnexpectedShape(`${key}[${index}]${which}: ${error.message}`);
      leftOut.push(unreadable);
    }
  }
  for (const entry of leftOut) onUnreadable?.(entry);
  const total = typeof body.count === 'number' ? body.count : 0;
  const lastId = readablePart(all.at(-1), '', undefined).id;
  return { entries, size: all.length, lastId, next: nextLink(body[`${key}_links`]), total };
}

interface Page<T> {
  readonly entries: readonly T[];
  /** With the entries that cannot be read. */
  readonly size: number;
  readonly lastId: string | undefined;
  readonly next: string | undefined;
  readonly total: number;
}

/** Nothing of it repeats a secret. */
function readablePart(entry: unknown, why: string, secrets: Secrets | undefined): UnreadableEntry {
  const from = isObject(entry) ? entry : {};
  const textOf = (value: unknown, check = text) =>
    check(value) === undefined && (secrets?.maskName(String(value)) ?? value) === value
      ? String(value)
      : undefined;
  return {
    why,
    ...optional('id', textOf(from.id, id)),
    ...optional('name', textOf(from.name ?? '')),
    ...optional('status', textOf(from.status, nonEmptyText)),
    ...optional('volume_id', textOf(from.volume_id, id)?.toLowerCase()),
  };
}

/**
 * The query of the `next` link. The rest of the link is not used: behind a gateway it often names an internal host or
 * plain http, and the token is sent only to the endpoint of the catalog.
 */
function nextLink(links: unknown): string | undefined {
  if (links == null) return undefined;
  const next = checked(links, anyArray, 'links')
    .filter(isObject)
    .find(({ rel }) => rel === 'next');
  if (next === undefined) return undefined;
  const { href } = next;
  const base = 'http://endpoint';
  if (typeof href !== 'string' || !URL.canParse(href, base))
    throw new UnexpectedShape('the link to the next page is not a URL');
  const { search } = new URL(href, base);
  if (search === '') throw new UnexpectedShape('the link to the next page names no page');
  return search.slice(1);
}

/** `count`: the entries of all pages so far. */
function nextQuery<T>(
  { continueBy }: ListRequest<T>,
  filter: string,
  { size, lastId, count, total }: Pick<Page<T>, 'size' | 'lastId' | 'total'> & { readonly count: number },
): string | undefined {
  // A server with a smaller limit than ours sends short pages, and may say only in `count` that there are more.
  if (lastId === undefined || (size < PAGE_SIZE && count >= total)) return undefined;
  const from = continueBy === 'offset' ? count : encodePercent(lastId);
  return `${filter}limit=${PAGE_SIZE}&${continueBy}=${from}`;
}
