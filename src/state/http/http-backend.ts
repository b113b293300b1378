import type { Clock } from '../../domain/clock.ts';
import { Failure } from '../../domain/errors.ts';
import type { LockHolder } from '../../domain/lock-holder.ts';
import { optional } from '../../domain/optional.ts';
import type { Secrets } from '../../domain/secrets.ts';
import { codeOf, explainNetworkError, isForGood, networkRemedy } from '../../network/network-errors.ts';
import { MESSAGE_LENGTH_MAX, messageText } from '../../network/plain-text.ts';
import { AnswerTooLarge } from '../../network/read-bounded.ts';
import { RetryableError } from '../../network/retry.ts';
import { LOCK_BYTES_MAX, tooLarge } from '../answer-limits.ts';
import type { Backend, LockInfo } from '../backend.ts';
import { blobBackend, type HeldBlobLock } from '../blob/blob-backend.ts';
import type { BlobStore, WriteOutcome } from '../blob/blob-store.ts';
import { type Lock, type LockWish, ownLock, waitForLock } from '../lock.ts';
import { anotherLock, lockedBy, lockLost, notLocked } from '../lock-failures.ts';
import { withRetry } from '../retry.ts';
import { type Answer, httpWire, type Wire } from './http-client.ts';
import type { HttpStateSettings } from './http-settings.ts';
import { decodeLock, encodeLock, type IdentifiedLock } from './terraform-lock.ts';

/**
 * A state behind the HTTP protocol of Terraform and OpenTofu: GitLab, Gitea and their kin. It locks, and that is
 * all: a lock has no end of its own and no fence, so it is never taken over; a person unlocks.
 */
export interface HttpBackendOptions {
  readonly location: string;
  readonly id?: string;
  readonly settings: HttpStateSettings;
  readonly clock: Clock;
  readonly newId: () => string;
  /** What the server may repeat and no message may hold. */
  readonly secrets?: Secrets;
  readonly wire?: Wire;
}

export function httpBackend(options: HttpBackendOptions): Backend {
  const { location, id, clock, newId, settings, secrets, wire = httpWire(settings) } = options;
  const server = new StateServer(location, settings, clock, wire, secrets);
  const lock = new HttpLock(server, clock, newId);
  return blobBackend({
    location,
    ...optional('id', id),
    store: server,
    lock,
    clock,
    newId,
    retry: settings.retry,
  });
}

const TRUST = 'TF_HTTP_CLIENT_CA_CERTIFICATE_PEM, with the text of its certificate';

class StateServer implements BlobStore {
  readonly place: string;
  readonly guarded = false;
  readonly serialsOnlyRise = true;
  readonly bytesMax: number;
  readonly settings: HttpStateSettings;
  readonly #clock: Clock;
  readonly #wire: Wire;
  readonly secrets: Secrets | undefined;

  constructor(
    place: string,
    settings: HttpStateSettings,
    clock: Clock,
    wire: Wire,
    secrets: Secrets | undefined,
  ) {
    this.secrets = secrets;
    this.place = place;
    this.settings = settings;
    this.bytesMax = settings.state_bytes_max;
    this.#clock = clock;
    this.#wire = wire;
  }

  async read() {
    const { status, body } = await this.ask(
      'read the state',
      'GET',
      this.settings.address,
      undefined,
      this.bytesMax,
    );
    if (status === 204 || status === 404 || (status === 200 && body.length === 0)) return undefined;
    if (status === 200) return { bytes: body };
    throw this.unexpected('read the state', status, body);
  }

  async write(text: string, _over: unknown, lock: LockInfo): Promise<WriteOutcome> {
    const url = new URL(this.settings.address);
    url.searchParams.set('ID', lock.id);
    let answer: Answer;
    try {
      answer = await this.#wire.send(this.settings.update_method, url.href, text, LOCK_BYTES_MAX);
    } catch (cause) {
      return { kind: 'unsure', why: reason(cause, this.secrets) };
    }
    const { status, body } = answer;
    if (status === 200 || status === 201 || status === 204) return { kind: 'written' };
    if (mayPass(status)) return { kind: 'unsure', why: `it answered ${status}` };
    const failure = refused(status) ? lockLost(lock) : this.unexpected('write the state', status, body);
    return { kind: 'refused', failure };
  }

  /** The answer to what may be asked more than once. */
  ask(
    what: string,
    method: string,
    url: string,
    body: string | undefined,
    bytesMax = LOCK_BYTES_MAX,
  ): Promise<Repeatable> {
    let repeated = false;
    return withRetry(this.#clock, this.settings.retry, async () => {
      let answer: Answer;
      try {
        answer = await this.#wire.send(method, url, body, bytesMax);
      } catch (cause) {
        if (cause instanceof AnswerTooLarge)
          throw tooLarge(`the answer to “${what}”`, cause.bytesMax, this.place);
        const failure = this.#noAnswer(what, cause);
        if (isForGood(codeOf(cause))) throw failure;
        repeated = true;
        throw new RetryableError(what, { cause: failure });
      }
      const { status } = answer;
      if (!mayPass(status)) return { ...answer, repeated };
      repeated = true;
      throw new RetryableError(what, { cause: this.unexpected(what, status, answer.body) });
    });
  }

  unexpected(what: string, status: number, body: Buffer): Failure {
    const said = messageText(body.toString('utf8', 0, MESSAGE_LENGTH_MAX), this.secrets);
    const summary = `cannot ${what}: the server answered ${status}`;
    const remedy =
      status === 401 || status === 403
        ? 'TF_HTTP_USERNAME and TF_HTTP_PASSWORD (a token) must be allowed to do this'
        : status >= 300 && status < 400
          ? 'redirects are not followed: name the address that it points to'
          : 'see the message of the server; everything committed is safe';
    return Failure.of('state', 'state-server', summary, {
      where: { file: this.place },
      ...(said === '' ? {} : { detail: `The server says: ${said}` }),
      remedy,
    });
  }

  #noAnswer(what: string, cause: unknown): Failure {
    return Failure.of(
      'state',
      'state-server',
      `cannot ${what}: ${reason(cause, this.secrets)}`,
      {
        where: { file: this.place },
        remedy:
          networkRemedy(codeOf(cause), TRUST) ??
          'check that this machine can reach the server; everything committed is safe',
      },
      { cause },
    );
  }
}

/** An answer to a request of which earlier copies may have arrived, too. */
interface Repeatable extends Answer {
  readonly repeated: boolean;
}

/** Another lock stands there. */
function refused(status: number): boolean {
  return status === 409 || status === 423;
}

/** How servers refuse a second lock. A 403, a 404 or a redirect has other reasons, and proves nothing. */
const SECOND_LOCK_REFUSED = new Set([400, 405, 409, 423]);

/** The server, or a gateway before it, is away or busy. 501 is for good. */
function mayPass(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501);
}

/** Only code and message: an axios error carries the request with its password. */
function reason(cause: unknown, secrets: Secrets | undefined): string {
  if (!(cause instanceof Error)) return 'no answer';
  if (cause.name === 'CanceledError') return 'no answer in time';
  const code = codeOf(cause);
  const text = code === '' ? cause.message : explainNetworkError(code, cause.message);
  return messageText(text, secrets) || 'no answer';
}

const AFTER_THE_FIRST_WRITE = 2;

class HttpLock implements Lock<HeldBlobLock> {
  readonly #server: StateServer;
  readonly #clock: Clock;
  readonly #newId: () => string;

  constructor(server: StateServer, clock: Clock, newId: () => string) {
    this.#server = server;
    this.#clock = clock;
    this.#newId = newId;
  }

  async acquire(wish: LockWish, waitMs: number, signal?: AbortSignal): Promise<HeldBlobLock> {
    const mine = ownLock(wish, this.#clock, this.#newId);
    return waitForLock(this.#clock, waitMs, signal, async () => {
      const standing = await this.#take(mine);
      if (standing === 'mine') {
        if (!(await this.#excludesOthers(mine))) throw notExclusive(this.#server.place);
        return { mine: this.#held(mine) };
      }
      return { refused: () => this.#lockedBy(standing) };
    });
  }

  /**
   * Asks for the lock once more under another id, while it is held: a server that says yes excludes nobody, and two
   * runs would both work on the state. So does one whose refusal names another holder: it looks whether there is a lock
   * and then makes one, and two that came at once both got a yes. Tried each time, as a proxy or a server may have
   * changed. What was granted wrongly is given back; a lock of anybody else is never touched.
   */
  async #excludesOthers(mine: LockInfo): Promise<boolean> {
    const second = this.#probe();
    const { lock_method, lock_address } = this.#server.settings;
    let outcome: 'excluded' | 'granted' | 'held by another' | undefined;
    try {
      const { status, body } = await this.#server.ask(
        'lock the state',
        lock_method,
        lock_address,
        encodeLock(second),
      );
      const named = decodeLock(body.toString())?.id;
      // A repeated request may be refused because the first copy of it was granted.
      if ((status >= 200 && status <= 299) || named === second.id) outcome = 'granted';
      else if (!SECOND_LOCK_REFUSED.has(status))
        throw this.#server.unexpected('lock the state a second time', status, body);
      else outcome = named === undefined || named === mine.id ? 'excluded' : 'held by another';
      if (outcome === 'granted') await this.#free(second).catch(() => undefined);
    } finally {
      if (outcome === undefined || outcome === 'granted') await this.#free(mine).catch(() => undefined);
    }
    return outcome === 'excluded';
  }

  /** The protocol has no question for it, so the lock is tried. */
  async holder(): Promise<LockHolder | undefined> {
    const probe = this.#probe();
    const standing = await this.#take(probe);
    if (standing === 'mine') await this.#free(probe);
    return standing === 'mine' ? undefined : (standing ?? {});
  }

  async unlock(id: string): Promise<LockHolder> {
    const standing = await this.holder();
    const { place } = this.#server;
    if (!standing) throw notLocked(id, place);
    if (standing.id !== undefined && standing.id !== id) throw anotherLock(id, standing, place);
    const freed = { ...standing, id };
    const { status } = await this.#free(freed);
    if (refused(status)) throw anotherLock(id, standing, place);
    return freed;
  }

  #held(info: LockInfo): HeldBlobLock {
    let asked = 0;
    return {
      info,
      takenOver: false,
      lost: undefined,
      remainingMs: () => Number.POSITIVE_INFINITY,
      ttlMs: Number.POSITIVE_INFINITY,
      // The server holds every write against the lock's id. It is asked before and after each; after the first one once
      // more whether it excludes others, since two that came at once may both have been let in.
      stillHeld: async () => {
        asked += 1;
        return asked !== AFTER_THE_FIRST_WRITE || (await this.#excludesOthers(info));
      },
      release: async () => {
        const { status, repeated } = await this.#free(info);
        return !refused(status) || repeated;
      },
    };
  }

  /** `mine`, or whose it is; undefined when the server does not tell. */
  async #take(mine: LockInfo): Promise<LockHolder | 'mine' | undefined> {
    const { lock_method, lock_address } = this.#server.settings;
    const { status, body } = await this.#server.ask(
      'lock the state',
      lock_method,
      lock_address,
      encodeLock(mine),
    );
    if (status === 200) return 'mine';
    if (!refused(status)) throw this.#server.unexpected('lock the state', status, body);
    const standing = decodeLock(body.toString(), this.#server.secrets);
    // The answer to the first copy of this request was lost.
    return standing?.id === mine.id ? 'mine' : standing;
  }

  /** It may be refused because it is another lock; or, repeated, because the first copy did it. */
  async #free(info: IdentifiedLock): Promise<Repeatable> {
    const { unlock_method, unlock_address } = this.#server.settings;
    const answer = await this.#server.ask(
      'unlock the state',
      unlock_method,
      unlock_address,
      encodeLock(info),
    );
    const { status, body } = answer;
    if (!refused(status) && (status < 200 || status > 299))
      throw this.#server.unexpected('unlock the state', status, body);
    return answer;
  }

  #probe(): LockInfo {
    return ownLock({ who: 'vbsctl', operation: 'look at the lock', version: '' }, this.#clock, this.#newId);
  }

  #lockedBy(standing: LockHolder | undefined): Failure {
    return lockedBy(standing ?? {}, this.#server.place);
  }
}

function notExclusive(place: string): Failure {
  return Failure.of(
    'refused',
    'state-not-exclusive',
    'the state server does not lock: it gave the lock to two at once',
    {
      detail:
        'While this run held the lock, the server granted it under a second id. Two runs could work on the state at once, and a volume could be restored twice.',
      where: { file: place },
      remedy:
        'use a server that answers 423 or 409 to a second lock, or another kind of state (docs/state.md)',
    },
  );
}
