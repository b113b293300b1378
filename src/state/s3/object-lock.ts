import { type Clock, isoTime, type Moment, momentOf } from '../../domain/clock.ts';
import type { Diagnostic } from '../../domain/diagnostic.ts';
import type { LockHolder } from '../../domain/lock-holder.ts';
import type { Secrets } from '../../domain/secrets.ts';
import { fields, integerFrom, jsonOf, text } from '../../domain/shape.ts';
import type { Actor } from '../../domain/state.ts';
import type { LockInfo } from '../backend.ts';
import type { HeldBlobLock } from '../blob/blob-backend.ts';
import { LeaseTime, takeoverAfterMs } from '../lease-terms.ts';
import { type Lock, ownLock, waitForLock } from '../lock.ts';
import { anotherLock, damagedLock, lockedBy, lockLost, lockNotRemoved, notLocked } from '../lock-failures.ts';
import { displayLock, displayText, lockShape } from '../lock-info.ts';
import { LeaseRenewal } from '../renewal.ts';
import type { Objects } from './objects.ts';
import type { Abilities } from './self-test.ts';

/**
 * A lock that is an object beside the state: made by `If-None-Match: *`, renewed, taken over and removed by
 * `If-Match`. Its age is what the store says of it. A store without `If-Match` cannot refuse a former holder: there
 * the lock has no end, and a person unlocks.
 */
export interface ObjectLockOptions {
  readonly objects: Objects;
  readonly key: string;
  readonly place: string;
  readonly ttlMs: number;
  readonly settleMs: number;
  readonly clock: Clock;
  readonly newId: () => string;
  /** Asked when the lock is. */
  readonly abilities: () => Promise<Abilities>;
  /** What the store may repeat. */
  readonly secrets?: Secrets | undefined;
  /** Told why a renewal failed. */
  readonly onNote?: ((note: Diagnostic) => void) | undefined;
}

/** As it is stored. */
interface Entry {
  readonly info: LockInfo;
  /** 0: it has no end. */
  readonly ttl_ms: number;
  readonly takeover_after_ms: number;
  readonly renewed: string;
}

/** As it was read: whoever may write there can have written anything. */
interface ReadEntry extends Omit<Entry, 'info'> {
  readonly info: LockHolder;
}

/** A holder renews far less often. */
const REMOVALS_MAX = 5;
const REMOVAL_PAUSE_MS = 500;

interface Standing {
  readonly entry: ReadEntry;
  readonly etag: string;
  readonly overdue: boolean;
}

export function objectLock(options: ObjectLockOptions): Lock<HeldBlobLock> {
  const { objects, key, place, clock, newId } = options;

  async function acquire(actor: Actor, waitMs: number, signal?: AbortSignal): Promise<HeldBlobLock> {
    const { guards } = await options.abilities();
    const ttlMs = guards ? options.ttlMs : Number.POSITIVE_INFINITY;
    const info = ownLock(actor, clock, newId);
    let asked: Moment | undefined;
    return waitForLock(clock, waitMs, signal, async () => {
      const standing = await look();
      // Our own stands there when an earlier attempt of ours arrived after it was given up.
      const free = !standing || standing.entry.info.id === info.id || (standing.overdue && guards);
      if (!free) return { refused: () => lockedBy(told(standing), place) };
      // Rule: lock-is-made-by-one
      let over = 'nothing';
      // Rule: lock-is-taken-over-by-one
      if (standing) over = standing.etag;
      asked ??= momentOf(clock);
      // Rule: lease-counts-from-before-its-lock-was-asked-for
      const before = momentOf(clock);
      const outcome = await objects.put(key, entryText(info, ttlMs, options), { over });
      if (outcome.kind === 'refused') throw outcome.failure;
      // Another one was faster; or it is ours, and only the answer was lost.
      const now = outcome.kind === 'written' ? undefined : await look();
      if (
        outcome.kind === 'unsure' &&
        // Rule: lock-in-doubt-is-recognised
        now?.entry.info.id !== info.id
      )
        return {
          refused: () => (now ? lockedBy(told(now), place) : lockLost(info, 'could not be made')),
        };
      const etag = (outcome.kind === 'written' ? outcome.tag : now?.etag) ?? '';
      // What stands there after an answer in doubt may be from any of our attempts.
      const time = new LeaseTime(clock, ttlMs, outcome.kind === 'written' ? before : asked);
      return { mine: new HeldObject(options, info, etag, time, standing !== undefined) };
    });
  }

  async function look(): Promise<Standing | undefined> {
    return standingOf(options);
  }

  async function unlock(id: string): Promise<LockHolder> {
    const standing = await look();
    if (!standing) throw notLocked(id, place);
    const { info } = standing.entry;
    if (info.id !== id) throw anotherLock(id, info, place);
    // Renewed between look and removal it has another ETag; a person's word goes for the lock, not for its age.
    let now: Standing | undefined = standing;
    for (let removals = 0; now?.entry.info.id === id; removals++) {
      if (removals === REMOVALS_MAX) throw lockNotRemoved(id, place);
      if (removals > 0) await clock.sleep(REMOVAL_PAUSE_MS);
      await objects.remove(key, now.etag);
      now = await look();
    }
    return info;
  }

  return { acquire, holder: async () => told(await look()), unlock };
}

function told(standing: Standing): LockHolder;
function told(standing: Standing | undefined): LockHolder | undefined;
function told(standing: Standing | undefined): LockHolder | undefined {
  if (!standing) return undefined;
  const { info, ...lease } = standing.entry;
  return lease.ttl_ms > 0 ? { ...info, lease } : info;
}

async function standingOf({
  objects,
  key,
  place,
  secrets,
}: ObjectLockOptions): Promise<Standing | undefined> {
  const found = await objects.get(key);
  if (!found) return undefined;
  const entry = parsed(found.bytes, secrets);
  if (!entry) throw damagedLock(place);
  const overdue = entry.ttl_ms > 0 && (found.age_ms ?? 0) > entry.takeover_after_ms;
  return { entry, etag: found.etag, overdue };
}

class HeldObject implements HeldBlobLock {
  readonly info: LockInfo;
  readonly takenOver: boolean;
  readonly #options: ObjectLockOptions;
  readonly #time: LeaseTime;
  readonly #renewal: LeaseRenewal | undefined;
  #etag: string;

  constructor(options: ObjectLockOptions, info: LockInfo, etag: string, time: LeaseTime, takenOver: boolean) {
    this.info = info;
    this.takenOver = takenOver;
    this.#options = options;
    this.#etag = etag;
    this.#time = time;
    const { clock, onNote } = options;
    if (Number.isFinite(time.ttlMs))
      this.#renewal = new LeaseRenewal({ clock, time, renew: () => this.#renew(), onNote });
  }

  get lost(): Error | undefined {
    return this.#renewal?.lost;
  }

  remainingMs(): number {
    return this.#time.remainingMs();
  }

  get ttlMs(): number {
    return this.#time.ttlMs;
  }

  async stillHeld(): Promise<boolean> {
    return (await standingOf(this.#options))?.entry.info.id === this.info.id;
  }

  async release(): Promise<boolean> {
    await this.#renewal?.stop();
    const { objects, key } = this.#options;
    const standing = await standingOf(this.#options);
    if (standing?.entry.info.id !== this.info.id) return false;
    await objects.remove(key, standing.etag);
    return true;
  }

  async #renew(): Promise<void> {
    const { objects, key, clock } = this.#options;
    // Rule: lease-counts-from-before-its-renewal
    const before = momentOf(clock);
    const outcome = await objects.put(key, entryText(this.info, this.#time.ttlMs, this.#options), {
      // Rule: lock-is-renewed-by-its-holder
      over: this.#etag,
    });
    if (outcome.kind === 'written') {
      this.#etag = outcome.tag ?? '';
      this.#time.renewed(before);
      return;
    }
    if (outcome.kind === 'refused') throw outcome.failure;
    const standing = await standingOf(this.#options);
    if (standing?.entry.info.id !== this.info.id) {
      const by = standing ? `was taken by ${standing.entry.info.who}` : 'was removed by somebody';
      throw lockLost(this.info, by);
    }
    // An earlier renewal of ours arrived, or this one arrived and its answer is lost: the next one builds on it.
    this.#etag = standing.etag;
  }
}

function entryText(info: LockInfo, ttlMs: number, { settleMs, clock }: ObjectLockOptions): string {
  const ttl_ms = Number.isFinite(ttlMs) ? ttlMs : 0;
  const entry: Entry = {
    info,
    ttl_ms,
    takeover_after_ms: takeoverAfterMs(ttl_ms, settleMs),
    renewed: isoTime(clock.now()),
  };
  return `${JSON.stringify(entry, undefined, 2)}\n`;
}

function parsed(bytes: Uint8Array, secrets: Secrets | undefined): ReadEntry | undefined {
  const entry = jsonOf(Buffer.from(bytes).toString(), entryShape);
  return (
    entry && {
      ...entry,
      info: displayLock(entry.info, secrets),
      renewed: displayText(entry.renewed, secrets),
    }
  );
}

const entryShape = fields<Entry>({
  info: lockShape,
  ttl_ms: integerFrom(0),
  takeover_after_ms: integerFrom(0),
  renewed: text,
});
