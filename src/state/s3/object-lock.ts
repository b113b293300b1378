import { type Clock, isoTime, type Moment, momentOf } from '../../domain/clock.ts';
import type { LockHolder } from '../../domain/lock-holder.ts';
import { integerFrom, jsonOf, literalTrue, object, optionalField, string } from '../../domain/shape.ts';
import type { Actor } from '../../domain/state.ts';
import type { BackendContext, LockInfo, OwnLock } from '../backend.ts';
import type { HeldBlobLock } from '../blob/blob-backend.ts';
import { LeaseTime, takeoverAfterMs } from '../lease-time.ts';
import { type Lock, newLockInfo, waitForLock, withoutEnd } from '../lock.ts';
import {
  anotherLock,
  damagedLock,
  lockedBy,
  lockLost,
  lockNotRemoved,
  lockNotWritten,
  notLocked,
} from '../lock-failures.ts';
import { displayLock, displayText, lockShape } from '../lock-info.ts';
import { LeaseRenewal } from '../renewal.ts';
import type { Objects } from './objects.ts';

/**
 * A lock that is an object beside the state: created with `If-None-Match: *`, renewed, taken over and removed with
 * `If-Match`. The store tells its age. A store without `If-Match` cannot refuse a former holder, so its locks have no end
 * and a user has to remove them.
 */
interface ObjectLockOptions
  extends Pick<BackendContext, 'location' | 'settleMs' | 'clock' | 'newId' | 'secrets' | 'onNote'> {
  readonly objects: Objects;
  readonly key: string;
  readonly ttlMs: number;
  /** Called each time the lock is requested or removed. */
  readonly testConditions: (signal?: AbortSignal) => Promise<HonoursIfMatch>;
}

/** On PUT: a lease can end, because writes of its former holder are refused. On DELETE: MinIO ignores it there. */
export interface HonoursIfMatch {
  readonly onPut: boolean;
  readonly onDelete: boolean;
}

/** A lock as it is stored. */
interface LockObjectContent {
  readonly info: LockInfo;
  /** 0: it has no end. */
  readonly ttl_ms: number;
  readonly takeover_after_ms: number;
  readonly renewed: string;
  /** The lock was given back; the next run writes over it. */
  readonly released?: true;
}

/** A lock as it was read. Anybody who can write to the bucket may have written it. */
interface CurrentLock extends Omit<LockObjectContent, 'info'> {
  readonly info: LockHolder;
  readonly etag: string;
  readonly overdue: boolean;
}

/** A holder renews far less often. */
const REMOVALS_MAX = 5;
const REMOVAL_PAUSE_MS = 500;

export class ObjectLock implements Lock<HeldBlobLock> {
  readonly #options: ObjectLockOptions;

  constructor(options: ObjectLockOptions) {
    this.#options = options;
  }

  async acquire(actor: Actor, waitMs: number, signal?: AbortSignal): Promise<HeldBlobLock> {
    const { objects, key, location, clock, newId, testConditions } = this.#options;
    const honoured = await testConditions(signal);
    const mayEnd = honoured.onPut;
    const ttlMs = mayEnd ? this.#options.ttlMs : Number.POSITIVE_INFINITY;
    const info = newLockInfo(actor, clock, newId);
    let asked: Moment | undefined;
    return waitForLock(clock, waitMs, signal, async () => {
      const found = await findLock(this.#options);
      const current = found?.released ? undefined : found;
      // It is ours if an earlier attempt arrived after it was given up.
      const free = !current || current.info.id === info.id || (current.overdue && mayEnd);
      if (!free) return { refused: () => lockedBy(holderOf(current), location) };
      // Rule: lock-is-created-only-if-absent
      let over = 'nothing';
      // Rule: lock-is-taken-over-only-if-unchanged
      if (found) over = found.etag;
      asked ??= momentOf(clock);
      // Rule: lease-counts-from-before-its-lock-request
      const before = momentOf(clock);
      const outcome = await objects.put(key, lockText(info, ttlMs, this.#options), { over });
      if (outcome.kind === 'refused') throw outcome.failure;
      // If it was not written, another client was faster, or it is ours and only the answer was lost.
      const now = outcome.kind === 'written' ? undefined : await readLock(this.#options);
      if (
        outcome.kind === 'unsure' &&
        // Rule: own-lock-is-recognised-after-a-lost-answer
        now?.info.id !== info.id
      )
        return {
          refused: () => (now ? lockedBy(holderOf(now), location) : lockNotWritten(location)),
        };
      const etag = (outcome.kind === 'written' ? outcome.tag : now?.etag) ?? '';
      // After an uncertain answer, the lock may be from any of our attempts.
      const time = new LeaseTime(clock, ttlMs, outcome.kind === 'written' ? before : asked);
      const takenOver = current !== undefined;
      return { acquired: new HeldObjectLock(this.#options, { info, etag, time, takenOver, honoured }) };
    });
  }

  async holder(): Promise<LockHolder | undefined> {
    const current = await readLock(this.#options);
    return current && holderOf(current);
  }

  async unlock(id: string): Promise<LockHolder> {
    const { location, clock, testConditions } = this.#options;
    const current = await readLock(this.#options);
    if (!current) throw notLocked(id, location);
    const { info } = current;
    if (info.id !== id) throw anotherLock(id, info, location);
    // A store that fails the test protects no lock: there is nothing to be careful about.
    const honoured = await testConditions().catch(() => ({ onPut: false, onDelete: false }));
    // If it was renewed in between, it has another ETag. The user decided about the lock, so the removal is repeated.
    let now: CurrentLock | undefined = current;
    for (let removals = 0; now?.info.id === id; removals++) {
      if (removals === REMOVALS_MAX) throw lockNotRemoved(id, location);
      if (removals > 0) await clock.sleep(REMOVAL_PAUSE_MS);
      await removeLock(this.#options, now, honoured);
      now = await readLock(this.#options);
    }
    return info;
  }
}

interface AcquiredLock {
  readonly info: LockInfo;
  readonly etag: string;
  readonly time: LeaseTime;
  readonly takenOver: boolean;
  readonly honoured: HonoursIfMatch;
}

class HeldObjectLock implements HeldBlobLock {
  readonly own: OwnLock;
  readonly takenOver: boolean;
  readonly #options: ObjectLockOptions;
  readonly #honoured: HonoursIfMatch;
  readonly #renewal: LeaseRenewal | undefined;
  /** Of the lock as it was last written. */
  #etag: string;

  constructor(options: ObjectLockOptions, { info, etag, time, takenOver, honoured }: AcquiredLock) {
    const { clock, onNote } = options;
    this.#options = options;
    this.#honoured = honoured;
    this.#etag = etag;
    this.takenOver = takenOver;
    if (Number.isFinite(time.ttlMs))
      this.#renewal = new LeaseRenewal({ info, clock, time, renew: () => this.#renew(info, time), onNote });
    this.own = this.#renewal ?? withoutEnd(info);
  }

  async stillHeld(): Promise<boolean> {
    return (await readLock(this.#options))?.info.id === this.own.info.id;
  }

  async release(): Promise<boolean> {
    await this.#renewal?.stop();
    const current = await readLock(this.#options);
    if (current?.info.id !== this.own.info.id) return false;
    await removeLock(this.#options, current, this.#honoured);
    return true;
  }

  async #renew(info: LockInfo, time: LeaseTime): Promise<void> {
    const { objects, key, clock } = this.#options;
    // Rule: lease-counts-from-before-its-renewal
    const before = momentOf(clock);
    const outcome = await objects.put(key, lockText(info, time.ttlMs, this.#options), {
      // Rule: lock-is-renewed-only-by-its-holder
      over: this.#etag,
    });
    if (outcome.kind === 'written') {
      this.#etag = outcome.tag ?? '';
      time.renewed(before);
      return;
    }
    if (outcome.kind === 'refused') throw outcome.failure;
    const current = await readLock(this.#options);
    if (current?.info.id !== info.id)
      throw lockLost(info, current ? `was taken by ${current.info.who}` : 'was removed by somebody');
    // An earlier renewal of ours arrived, or this one arrived and its answer is lost: the next one builds on it.
    this.#etag = current.etag;
  }
}

/**
 * Removes the lock, or marks it as released. A DELETE whose condition the store ignores may arrive late and remove the lock of
 * another run, so there the lock is written over, with a condition.
 */
async function removeLock(
  options: ObjectLockOptions,
  { info, etag }: Pick<CurrentLock, 'info' | 'etag'>,
  honoured: HonoursIfMatch,
): Promise<void> {
  const { objects, key, location, clock } = options;
  if (honoured.onDelete || !honoured.onPut) {
    // Without If-Match on PUT, a lock has no end, so it is still the one that was read.
    if (!(await objects.remove(key, etag)) && !honoured.onPut) await objects.remove(key);
    return;
  }
  for (let tries = 0; tries < REMOVALS_MAX; tries++) {
    if (tries > 0) await clock.sleep(REMOVAL_PAUSE_MS);
    const outcome = await objects.put(key, releasedText(info, clock), { over: etag });
    if (outcome.kind === 'refused') throw outcome.failure;
    if (outcome.kind === 'written' || (await readLock(options))?.etag !== etag) return;
  }
  throw lockNotRemoved(info.id ?? '', location);
}

function holderOf({ info, ttl_ms, takeover_after_ms, renewed }: CurrentLock): LockHolder {
  return ttl_ms > 0 ? { ...info, lease: { ttl_ms, takeover_after_ms, renewed } } : info;
}

/** The lock, unless it was given back. */
async function readLock(options: ObjectLockOptions): Promise<CurrentLock | undefined> {
  const found = await findLock(options);
  return found?.released ? undefined : found;
}

async function findLock({
  objects,
  key,
  location,
  secrets,
}: ObjectLockOptions): Promise<CurrentLock | undefined> {
  const found = await objects.get(key);
  if (!found) return undefined;
  const content = jsonOf(Buffer.from(found.bytes).toString(), contentShape);
  if (!content) throw damagedLock(location);
  return {
    ...content,
    info: displayLock(content.info, secrets),
    renewed: displayText(content.renewed, secrets),
    etag: found.etag,
    overdue: content.ttl_ms > 0 && (found.age_ms ?? 0) > content.takeover_after_ms,
  };
}

function lockText(info: LockInfo, ttlMs: number, { settleMs, clock }: ObjectLockOptions): string {
  const ttl_ms = Number.isFinite(ttlMs) ? ttlMs : 0;
  const content: LockObjectContent = {
    info,
    ttl_ms,
    takeover_after_ms: takeoverAfterMs(ttl_ms, settleMs),
    renewed: isoTime(clock.now()),
  };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

function releasedText(info: LockHolder, clock: Clock): string {
  const renewed = isoTime(clock.now());
  return `${JSON.stringify({ info, ttl_ms: 0, takeover_after_ms: 0, renewed, released: true }, undefined, 2)}\n`;
}

const contentShape = object<LockObjectContent>({
  info: lockShape,
  ttl_ms: integerFrom(0),
  takeover_after_ms: integerFrom(0),
  renewed: string,
  released: optionalField(literalTrue),
});
