import type { Clock } from '../../domain/clock.ts';
import { type Diagnostic, note } from '../../domain/diagnostic.ts';
import { Failure } from '../../domain/errors.ts';
import type { LockHolder } from '../../domain/lock-holder.ts';
import { optional } from '../../domain/optional.ts';
import type { Secrets } from '../../domain/secrets.ts';
import type { Actor } from '../../domain/state.ts';
import { MESSAGE_READ_LENGTH_MAX, messageText } from '../../network/message-text.ts';
import { codeOf, isPermanentNetworkError, networkRemedy } from '../../network/network-errors.ts';
import { AnswerTooLarge } from '../../network/read-bounded.ts';
import { RetryableError } from '../../network/retry.ts';
import { LOCK_BYTES_MAX, tooLarge } from '../answer-limits.ts';
import type { Backend, BackendContext, LockInfo } from '../backend.ts';
import { blobBackend, type HeldBlobLock } from '../blob/blob-backend.ts';
import type { BlobStore, WriteOutcome } from '../blob/blob-store.ts';
import { type Lock, newLockInfo, waitForLock, withoutEnd } from '../lock.ts';
import { anotherLock, lockedBy, lockLost, notLocked } from '../lock-failures.ts';
import { withRetry } from '../remote-retry.ts';
import { isTransientStatus, noAnswerReason, serverFailure } from '../server-failures.ts';
import { httpSender, type Send, type ServerAnswer } from './http-client.ts';
import type { HttpStateSettings } from './http-settings.ts';
import { decodeLock, encodeLock, type IdentifiedLock } from './terraform-lock.ts';

/**
 * A state behind the HTTP protocol of Terraform and OpenTofu: GitLab, Gitea and similar servers. Its locks do not expire
 * and do not fence former holders, so vbsctl never takes one over; a user has to remove it.
 */
interface HttpBackendOptions extends BackendContext {
  readonly settings: HttpStateSettings;
}

export function httpBackend(options: HttpBackendOptions): Backend {
  const store = new StateServer(options);
  const lock = new HttpLock(store, options);
  return blobBackend({ ...options, store, lock, retry: options.settings.retry });
}

class StateServer implements BlobStore {
  readonly location: string;
  readonly checksPrevious = false;
  readonly keepsHighestSerial = true;
  readonly bytesMax: number;
  readonly settings: HttpStateSettings;
  readonly secrets: Secrets | undefined;
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #send: Send;
  readonly #onNote: BackendContext['onNote'];

  constructor({ location, settings, clock, newId, secrets, onNote }: HttpBackendOptions) {
    this.#newId = newId;
    this.location = location;
    this.bytesMax = settings.state_bytes_max;
    this.settings = settings;
    this.secrets = secrets;
    this.#clock = clock;
    this.#send = httpSender(settings);
    this.#onNote = onNote;
  }

  async read() {
    const { status, body } = await this.ask(
      'read the state',
      'GET',
      this.settings.address,
      undefined,
      this.bytesMax,
    );
    if (status === 404) {
      this.#onNote?.(countsAsNoState(this.location, messageOf(body, this.secrets)));
      return undefined;
    }
    if (status === 204 || (status === 200 && body.length === 0)) return undefined;
    if (status === 200) return { bytes: body };
    throw this.unexpected('read the state', status, body);
  }

  async write(bytes: Buffer, _previous: unknown, lock: LockInfo): Promise<WriteOutcome> {
    const url = new URL(this.settings.address);
    url.searchParams.set('ID', lock.id);
    let answer: ServerAnswer;
    try {
      answer = await this.#send(this.settings.update_method, url.href, bytes, LOCK_BYTES_MAX);
    } catch (cause) {
      return { kind: 'unsure', why: noAnswerReason(cause, this.secrets) };
    }
    const { status, body } = answer;
    if (status === 200 || status === 201 || status === 204) return { kind: 'written' };
    // Gitea answers 409 also if it has this serial already, and GitLab answers 500 if the lock is another one.
    if (isLocked(status) || status === 500) {
      const holder = await this.#holderNow(lock);
      if (holder === 'another' || (holder === 'unknown' && isLocked(status)))
        return { kind: 'refused', failure: lockLost(lock) };
      return { kind: 'unsure', why: `the server answered ${status}` };
    }
    if (isTransientStatus(status)) return { kind: 'unsure', why: `the server answered ${status}` };
    return { kind: 'refused', failure: this.unexpected('write the state', status, body) };
  }

  /** Who has the lock that was ours, in one attempt. */
  async #holderNow(lock: LockInfo): Promise<'ours' | 'another' | 'unknown'> {
    const { lock_method, lock_address, unlock_method, unlock_address } = this.settings;
    const test = encodeLock({ ...lock, id: this.#newId() });
    try {
      const { status, body } = await this.#send(lock_method, lock_address, test, LOCK_BYTES_MAX);
      if (status === 200) {
        await this.#send(unlock_method, unlock_address, test, LOCK_BYTES_MAX);
        return 'another';
      }
      const id = isLocked(status) ? decodeLock(body.toString())?.id : undefined;
      return id === undefined ? 'unknown' : id === lock.id ? 'ours' : 'another';
    } catch {
      return 'unknown';
    }
  }

  /** Repeats the request until there is an answer that is not transient. Only for requests that may arrive twice. */
  ask(
    what: string,
    method: string,
    url: string,
    body: string | undefined,
    bytesMax = LOCK_BYTES_MAX,
  ): Promise<RepeatableAnswer> {
    let repeated = false;
    return withRetry(this.#clock, this.settings.retry, async () => {
      let answer: ServerAnswer;
      try {
        answer = await this.#send(method, url, body, bytesMax);
      } catch (cause) {
        if (cause instanceof AnswerTooLarge)
          throw tooLarge(`the answer to “${what}”`, cause.bytesMax, this.location);
        const failure = this.#noAnswer(what, cause);
        if (isPermanentNetworkError(codeOf(cause))) throw failure;
        repeated = true;
        throw new RetryableError(what, { cause: failure });
      }
      const { status } = answer;
      if (!isTransientStatus(status)) return { ...answer, repeated };
      repeated = true;
      throw new RetryableError(what, { cause: this.unexpected(what, status, answer.body) });
    });
  }

  unexpected(what: string, status: number, body: Buffer): Failure {
    const message = messageOf(body, this.secrets);
    const remedy =
      status === 401 || status === 403
        ? 'TF_HTTP_USERNAME and TF_HTTP_PASSWORD (a token) must be allowed to do this'
        : status >= 300 && status < 400
          ? 'redirects are not followed: name the address that it points to; if it is one for a single download, as Gitea makes them with SERVE_DIRECT, turn that off on the server'
          : status === 404
            ? 'correct the address; GitLab also answers 404 if TF_HTTP_USERNAME and TF_HTTP_PASSWORD (a token) may not see the project'
            : 'see the message of the server; everything committed is safe';
    return serverFailure(`cannot ${what}: the server answered ${status}`, {
      location: this.location,
      detail: message === '' ? undefined : `The server says: ${message}`,
      remedy,
    });
  }

  #noAnswer(what: string, cause: unknown): Failure {
    const trust = 'TF_HTTP_CLIENT_CA_CERTIFICATE_PEM, with the text of its certificate';
    return serverFailure(`cannot ${what}: ${noAnswerReason(cause, this.secrets)}`, {
      location: this.location,
      remedy:
        networkRemedy(codeOf(cause), trust) ??
        'check that this machine can reach the server; everything committed is safe',
      cause,
    });
  }
}

/** The message in the body of an answer; empty if it has none. */
function messageOf(body: Buffer, secrets: Secrets | undefined): string {
  const more = body.length > MESSAGE_READ_LENGTH_MAX ? '…' : '';
  return messageText(body.toString('utf8', 0, MESSAGE_READ_LENGTH_MAX) + more, secrets);
}

/**
 * In the protocol a 404 means "no state", but servers also answer it for a wrong address or a missing right. No body
 * tells these apart: a file server sends the same page for a state that is to be made and for a wrong folder.
 */
function countsAsNoState(location: string, message: string): Diagnostic {
  return note('state-not-found', 'the state server answered 404, which means that there is no state', {
    ...optional('detail', message === '' ? undefined : `The server says: ${message}`),
    where: { file: location },
    remedy:
      'if there should be one, correct the address; GitLab also answers 404 if TF_HTTP_USERNAME and TF_HTTP_PASSWORD (a token) may not see the project',
  });
}

/** `repeated`: earlier copies of the request may have arrived, too. */
interface RepeatableAnswer extends ServerAnswer {
  readonly repeated: boolean;
}

/** The server refuses because of another lock. */
function isLocked(status: number): boolean {
  return status === 409 || status === 423;
}

/** How servers refuse a second lock. A 403, a 404 or a redirect has other reasons, and proves nothing. */
const SECOND_LOCK_REFUSED = new Set([400, 405, 409, 423]);

const AFTER_THE_FIRST_WRITE = 2;

/** The lock of the protocol. It has no end, and no request that only reads it. */
class HttpLock implements Lock<HeldBlobLock> {
  readonly #server: StateServer;
  readonly #clock: Clock;
  readonly #newId: () => string;

  constructor(server: StateServer, { clock, newId }: Pick<BackendContext, 'clock' | 'newId'>) {
    this.#server = server;
    this.#clock = clock;
    this.#newId = newId;
  }

  async acquire(actor: Actor, waitMs: number, signal?: AbortSignal): Promise<HeldBlobLock> {
    const { location } = this.#server;
    const own = newLockInfo(actor, this.#clock, this.#newId);
    return waitForLock(this.#clock, waitMs, signal, async () => {
      const current = await this.#take(own);
      if (current !== 'acquired') return { refused: () => lockedBy(current ?? {}, location) };
      if (!(await this.#excludesOthers(own))) throw notExclusive(location);
      return { acquired: this.#held(own) };
    });
  }

  /** The protocol has no request for it, so this tries to take the lock. */
  async holder(): Promise<LockHolder | undefined> {
    const test = this.#testLock();
    const current = await this.#take(test);
    if (current !== 'acquired') return current ?? {};
    await this.#release(test);
    return undefined;
  }

  async unlock(id: string): Promise<LockHolder> {
    const { location } = this.#server;
    const current = await this.holder();
    if (!current) throw notLocked(id, location);
    if (current.id !== undefined && current.id !== id) throw anotherLock(id, current, location);
    const released = { ...current, id };
    const { status } = await this.#release(released);
    if (isLocked(status)) throw anotherLock(id, current, location);
    return released;
  }

  #held(own: LockInfo): HeldBlobLock {
    let checks = 0;
    return {
      own: withoutEnd(own),
      takenOver: false,
      // The server compares the id of the lock on each write, so this needs no request. It is called before and after each
      // write. After the first one it tests the server again, because two simultaneous requests may both have been granted.
      stillHeld: async () => {
        checks += 1;
        return checks !== AFTER_THE_FIRST_WRITE || (await this.#excludesOthers(own));
      },
      release: async () => {
        const { status, repeated } = await this.#release(own);
        return !isLocked(status) || repeated;
      },
    };
  }

  /**
   * Whether the server excludes others. While the lock is held, requests it once more, under another id. The server does not
   * exclude others
   *
   * - if it grants the lock again: two runs would both work on the state;
   * - if its refusal names another holder: it looks for a lock first and makes one after that, so it may grant the lock to two
   *   requests at the same time.
   *
   * Tested on each run, because a proxy or a server may have changed. Releases a lock that was granted wrongly, and never the
   * lock of another client.
   */
  async #excludesOthers(own: LockInfo): Promise<boolean> {
    const second = this.#testLock();
    let outcome: 'excluded' | 'granted' | 'held by another' | undefined;
    try {
      const { status, body } = await this.#request(second);
      const holder = decodeLock(body.toString())?.id;
      // A repeated request may be refused because the first copy of it was granted.
      if ((status >= 200 && status <= 299) || holder === second.id) outcome = 'granted';
      else if (!SECOND_LOCK_REFUSED.has(status))
        throw this.#server.unexpected('lock the state a second time', status, body);
      else outcome = holder === undefined || holder === own.id ? 'excluded' : 'held by another';
      if (outcome === 'granted') await this.#release(second).catch(() => undefined);
    } finally {
      if (outcome === undefined || outcome === 'granted') await this.#release(own).catch(() => undefined);
    }
    return outcome === 'excluded';
  }

  /** `acquired`, or the holder; undefined if the server does not name it. */
  async #take(own: LockInfo): Promise<LockHolder | 'acquired' | undefined> {
    const { status, body } = await this.#request(own);
    if (status === 200) return 'acquired';
    if (!isLocked(status)) throw this.#server.unexpected('lock the state', status, body);
    const current = decodeLock(body.toString(), this.#server.secrets);
    // Our own id: the answer to the first copy of this request was lost.
    return current?.id === own.id ? 'acquired' : current;
  }

  #request(lock: LockInfo): Promise<ServerAnswer> {
    const { lock_method, lock_address } = this.#server.settings;
    return this.#server.ask('lock the state', lock_method, lock_address, encodeLock(lock));
  }

  /** The server may refuse because another lock is there, or because the first copy of this request removed the lock. */
  async #release(lock: IdentifiedLock): Promise<RepeatableAnswer> {
    const { unlock_method, unlock_address } = this.#server.settings;
    const answer = await this.#server.ask(
      'unlock the state',
      unlock_method,
      unlock_address,
      encodeLock(lock),
    );
    const { status, body } = answer;
    if (!isLocked(status) && (status < 200 || status > 299))
      throw this.#server.unexpected('unlock the state', status, body);
    return answer;
  }

  #testLock(): LockInfo {
    const actor = { who: 'vbsctl', operation: 'look at the lock', version: '' };
    return newLockInfo(actor, this.#clock, this.#newId);
  }
}

function notExclusive(location: string): Failure {
  return Failure.of(
    'refused',
    'state-not-exclusive',
    'the state server does not exclude others: it granted the lock twice',
    {
      detail:
        'While this run held the lock, the server granted it under a second id. Two runs could work on the state at once, and a disk could be restored twice.',
      where: { file: location },
      remedy:
        'use a server that answers 423 or 409 to a second lock, or another kind of state (docs/state.md)',
    },
  );
}
