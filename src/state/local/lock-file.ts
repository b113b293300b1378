// Own code, not `proper-lockfile`: it takes the lock of an owner that was frozen for a while, who may still send a request.
import { randomUUID } from 'node:crypto';
import { link, open, rename, unlink } from 'node:fs/promises';
import { type Clock, isoTime } from '../../domain/clock.ts';
import { Failure } from '../../domain/errors.ts';
import { quotedWhole } from '../../domain/escape/quoted.ts';
import type { LockHolder } from '../../domain/lock-holder.ts';
import { fields, jsonOf, textLike } from '../../domain/shape.ts';
import { readRegularFile, readRegularFileNow, UnfitFileError } from '../../files/read-file.ts';
import { temporaryName } from '../../files/replace-file.ts';
import type { LockInfo } from '../backend.ts';
import type { HeldLock, Lock, LockWish } from '../lock.ts';
import { anotherLock, damagedLock, lockedBy, notLocked } from '../lock-failures.ts';
import { lockWords } from '../lock-info.ts';
import { nodeProcesses, type Owner, ownerShape, type Processes } from './owner.ts';
import { hasCode, systemReason } from './system-error.ts';

/**
 * A lock that is a file beside the state. It belongs to a process, and ends with it: the lock of a process that
 * certainly is dead is taken over; one that is alive, stopped, on another host or in another container is not.
 *
 * How it stays exclusive: a lock is made by link(2), which brings its whole content and fails when there is one.
 * Lock X is taken away by nobody but who holds the file `<lock>.break-X`, made in the same way; he looks once
 * more whether it still is X, then renames his own lock over it (takeover) or removes it (release, unlock).
 * So two takers cannot both break X, and nobody removes a lock that came after the one he looked at. A break
 * file is itself a lock, and is broken by the same rule when its owner died over it.
 */
export interface LockFileOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly newId?: () => string;
  readonly processes?: Processes;
}

interface Entry {
  readonly info: LockInfo;
  readonly owner: Owner;
}

const POLL_MS = 250;
/** Each lost round means that another process got the lock; so many in a row mean that something else is wrong. */
const ROUNDS_MAX = 1_000;
/** Five seconds. A lock that stays behind is no harm: it ends with its process. */
const RELEASE_ROUNDS_MAX = 20;
/** A lock has some hundred bytes. */
const BYTES_MAX = 64 * 1024;

export function lockFile(options: LockFileOptions): Lock {
  const { path, clock, newId = randomUUID, processes = nodeProcesses } = options;

  async function acquire(wish: LockWish, waitMs: number, signal?: AbortSignal): Promise<HeldLock> {
    const mine = await newEntry(wish);
    const deadline = clock.monotonic() + waitMs;
    for (;;) {
      signal?.throwIfAborted();
      const standing = await tryTake(path, mine);
      if (standing === undefined) return held(mine);
      const left = deadline - clock.monotonic();
      if (left <= 0) throw lockedBy(standing.info, path);
      await clock.sleep(Math.min(POLL_MS, left), signal);
    }
  }

  function held(mine: Entry): HeldLock {
    return {
      info: mine.info,
      stillHeld: () => readEntryNow(path)?.info.id === mine.info.id,
      release: () => release(mine),
    };
  }

  /** The break file is a second name of the lock itself: a full disk must not keep a lock from being freed. */
  async function release(mine: Entry): Promise<void> {
    const { id } = mine.info;
    const breaker = breakPath(path, id);
    for (let round = 0; round < RELEASE_ROUNDS_MAX; round++) {
      if ((await readEntry(path))?.info.id !== id) return;
      if (await addName(path, breaker)) {
        if ((await readEntry(breaker))?.info.id === id) await unlink(path);
        await unlink(breaker);
      } else if (!(await takeAway(id, await newEntry(mine.info)))) {
        await clock.sleep(POLL_MS); // somebody is unlocking it
      }
    }
  }

  async function holder(): Promise<LockHolder | undefined> {
    const entry = await readEntry(path);
    return entry && !(await processes.isDead(entry.owner)) ? entry.info : undefined;
  }

  async function unlock(id: string): Promise<LockHolder> {
    const standing = await readEntry(path);
    if (!standing) throw notLocked(id, path);
    if (standing.info.id !== id) throw anotherLock(id, standing.info, path);
    const mine = await newEntry({
      who: standing.info.who,
      operation: 'unlock',
      version: standing.info.version,
    });
    if (!(await takeAway(id, mine))) {
      // whoever breaks it at this moment gets it
      const now = await readEntry(path);
      if (now) throw anotherLock(id, now.info, path);
    }
    return standing.info;
  }

  async function newEntry({ who, operation, version }: LockWish): Promise<Entry> {
    const owner = await processes.self();
    const since = isoTime(clock.now());
    return {
      info: { id: newId(), who, host: owner.host, pid: owner.pid, operation, since, version },
      owner,
    };
  }

  /** Makes `mine` the lock at `place`; else the one that stands there, whose owner may be alive. */
  async function tryTake(place: string, mine: Entry): Promise<Entry | undefined> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const standing = await readEntry(place);
      if (!standing) {
        if (await create(place, mine)) return undefined;
        continue; // somebody was faster, or NFS reports a link that it made as failed
      }
      if (standing.info.id === mine.info.id) return undefined;
      if (!(await processes.isDead(standing.owner))) return standing;
      const breaker = breakPath(place, standing.info.id);
      const other = await tryTake(breaker, mine);
      if (other) return other;
      if ((await readEntry(place))?.info.id === standing.info.id) {
        await rename(breaker, place); // the break file is the new lock, in one step
        return undefined;
      }
      await unlink(breaker);
    }
    throw cannotLock(place, new Error('something there can neither be read nor replaced'));
  }

  /** Removes lock `id`; false when somebody else is about to. */
  async function takeAway(id: string, mine: Entry): Promise<boolean> {
    const breaker = breakPath(path, id);
    if (await tryTake(breaker, mine)) return false;
    try {
      if ((await readEntry(path))?.info.id === id) await unlink(path);
    } finally {
      await unlink(breaker);
    }
    return true;
  }

  return { acquire, holder, unlock };
}

function breakPath(place: string, id: string): string {
  return `${place}.break-${id}`;
}

/** False when something stands there already. The file has its whole content from its first moment on. */
async function create(place: string, entry: Entry): Promise<boolean> {
  const temporary = temporaryName(place);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(entry, undefined, 2)}\n`);
      await file.sync(); // else a power failure may leave a lock that names nobody
    } finally {
      await file.close();
    }
    return await addName(temporary, place);
  } catch (cause) {
    throw cannotLock(place, cause);
  } finally {
    await unlink(temporary).catch(() => undefined); // was never made, or is litter that harms nobody
  }
}

/** False when `name` is taken, or `file` is gone. */
async function addName(file: string, name: string): Promise<boolean> {
  try {
    await link(file, name);
    return true;
  } catch (cause) {
    if (hasCode(cause, 'EEXIST') || hasCode(cause, 'ENOENT')) return false;
    throw cause;
  }
}

async function readEntry(place: string): Promise<Entry | undefined> {
  let content: string;
  try {
    content = (await readRegularFile(place, BYTES_MAX)).toString();
  } catch (cause) {
    return unread(place, cause);
  }
  return entryOf(place, content);
}

function readEntryNow(place: string): Entry | undefined {
  let content: string;
  try {
    content = readRegularFileNow(place, BYTES_MAX).toString();
  } catch (cause) {
    return unread(place, cause);
  }
  return entryOf(place, content);
}

function unread(place: string, cause: unknown): undefined {
  if (!hasCode(cause, 'ENOENT')) throw cannotLock(place, cause);
}

function entryOf(place: string, content: string): Entry {
  const entry = jsonOf(content, entryShape);
  if (!entry) throw damagedLock(place);
  return entry;
}

/** It becomes part of a file name (`breakPath`), so nothing in it may lead to another directory. */
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

const entryShape = fields<Entry>({
  info: fields<Entry['info']>({
    id: textLike(ID, 'an id of letters, digits and dashes'),
    ...lockWords,
  }),
  owner: ownerShape,
});

function cannotLock(place: string, cause: unknown): Failure {
  const noFile = cause instanceof UnfitFileError;
  const noLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].some((code) => hasCode(cause, code));
  return Failure.of(
    'state',
    'lock-failed',
    `the state cannot be locked: ${systemReason(cause)}`,
    {
      where: { file: place },
      remedy: noFile
        ? `make sure that no run works on this state, then remove ${quotedWhole(place)}`
        : noLinks
          ? 'this file system has no hard links; keep the state on one that has (ext4, xfs, APFS, NTFS, NFS)'
          : 'run as the user that the state belongs to; its directory must be writable and have room for a small file',
    },
    { cause },
  );
}
