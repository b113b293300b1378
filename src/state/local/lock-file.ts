// Own code, not `proper-lockfile`: that takes over the lock of a process that was frozen for a while and may still send a request.
import { randomUUID } from 'node:crypto';
import { link, open, rename, unlink } from 'node:fs/promises';
import type { Clock } from '../../domain/clock.ts';
import { Failure } from '../../domain/errors.ts';
import { quotedWhole } from '../../domain/escape/quoted.ts';
import type { LockHolder } from '../../domain/lock-holder.ts';
import { jsonOf, object, pattern } from '../../domain/shape.ts';
import type { Actor } from '../../domain/state.ts';
import { readRegularFile, readRegularFileNow, UnfitFileError } from '../../files/read-file.ts';
import { temporaryName } from '../../files/replace-file.ts';
import { hasCode, systemReason } from '../../files/system-error.ts';
import type { LockInfo } from '../backend.ts';
import { type HeldLock, type Lock, newLockInfo, POLL_MS_MIN, waitForLock } from '../lock.ts';
import { anotherLock, damagedLock, lockedBy, notLocked } from '../lock-failures.ts';
import { lockFields } from '../lock-info.ts';
import { nodeProcesses, type Owner, ownerShape, type Processes } from './owner.ts';

/**
 * A lock that is a file beside the state. It belongs to a process and ends with it: the lock of a process that is
 * certainly dead is taken over; the lock of one that is alive, stopped, on another host or in another container is not.
 *
 * How it stays exclusive: a lock is made by link(2), which creates the file with its whole content and fails if the file
 * exists. Only the process that holds the file `<lock>.break-X`, made in the same way, may remove lock X. It checks once
 * more that the lock still is X, then renames its own lock over it (takeover) or removes it (release, unlock). So two
 * processes cannot both break X, and none removes a lock that is newer than the one it read. A break file is a lock
 * itself: if its owner died, it is broken by the same rule.
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

/** In each lost round another process got the lock; so many in a row have another cause. */
const ROUNDS_MAX = 1_000;
/** Five seconds. A lock that is left behind does no harm: it ends with its process. */
const RELEASE_ROUNDS_MAX = 20;
/** A lock has some hundred bytes. */
const BYTES_MAX = 64 * 1024;

export function lockFile(options: LockFileOptions): Lock {
  const { path, clock, newId = randomUUID, processes = nodeProcesses } = options;

  async function acquire(actor: Actor, waitMs: number, signal?: AbortSignal): Promise<HeldLock> {
    const mine = await newEntry(actor);
    const attempt = async () => {
      const current = await tryTake(path, mine);
      return current ? { refused: () => lockedBy(current.info, path) } : { mine: held(mine) };
    };
    return await waitForLock(clock, waitMs, signal, attempt, POLL_MS_MIN);
  }

  function held(mine: Entry): HeldLock {
    return {
      info: mine.info,
      stillHeld: () => readEntryNow(path)?.info.id === mine.info.id,
      release: () => release(mine),
    };
  }

  /** The break file is a second name of the lock itself, so that a lock can be released on a full disk. */
  async function release(mine: Entry): Promise<void> {
    const { id } = mine.info;
    const breaker = breakPath(path, id);
    for (let round = 0; round < RELEASE_ROUNDS_MAX; round++) {
      if ((await readEntry(path))?.info.id !== id) return;
      if (await addName(path, breaker)) {
        if ((await readEntry(breaker))?.info.id === id) await unlink(path);
        await unlink(breaker);
      } else if (!(await takeAway(id, await newEntry(mine.info)))) {
        await clock.sleep(POLL_MS_MIN); // somebody is unlocking it
      }
    }
  }

  async function holder(): Promise<LockHolder | undefined> {
    const entry = await readEntry(path);
    return entry && !(await processes.isDead(entry.owner)) ? entry.info : undefined;
  }

  async function unlock(id: string): Promise<LockHolder> {
    const current = await readEntry(path);
    if (!current) throw notLocked(id, path);
    if (current.info.id !== id) throw anotherLock(id, current.info, path);
    if (!(await takeAway(id, await newEntry({ ...current.info, operation: 'unlock' })))) {
      // another process breaks it at this moment and gets it
      const now = await readEntry(path);
      if (now) throw anotherLock(id, now.info, path);
    }
    return current.info;
  }

  async function newEntry(actor: Actor): Promise<Entry> {
    const owner = await processes.self();
    return { info: { ...newLockInfo(actor, clock, newId), host: owner.host, pid: owner.pid }, owner };
  }

  /** Makes `mine` the lock at `file`; else returns the lock that is there, whose owner may be alive. */
  async function tryTake(file: string, mine: Entry): Promise<Entry | undefined> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const current = await readEntry(file);
      if (!current) {
        if (await create(file, mine)) return undefined;
        continue; // another process was faster, or NFS reported a link that it made as failed
      }
      if (current.info.id === mine.info.id) return undefined;
      if (!(await processes.isDead(current.owner))) return current;
      const breaker = breakPath(file, current.info.id);
      const other = await tryTake(breaker, mine);
      if (other) return other;
      if ((await readEntry(file))?.info.id === current.info.id) {
        await rename(breaker, file); // the break file is the new lock, in one step
        return undefined;
      }
      await unlink(breaker);
    }
    throw cannotLock(file, new Error('something there can neither be read nor replaced'));
  }

  /** Removes lock `id`; false if another process is about to. */
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

function breakPath(file: string, id: string): string {
  return `${file}.break-${id}`;
}

/** False if the file exists already. A new file has its whole content from its first moment on. */
async function create(file: string, entry: Entry): Promise<boolean> {
  const temporary = temporaryName(file);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(entry, undefined, 2)}\n`);
      await handle.sync(); // otherwise a power failure may leave a lock without content
    } finally {
      await handle.close();
    }
    return await addName(temporary, file);
  } catch (cause) {
    throw cannotLock(file, cause);
  } finally {
    await unlink(temporary).catch(() => undefined); // was never made, or is harmless
  }
}

/** False if `name` is taken or `file` is gone. */
async function addName(file: string, name: string): Promise<boolean> {
  try {
    await link(file, name);
    return true;
  } catch (cause) {
    if (hasCode(cause, 'EEXIST') || hasCode(cause, 'ENOENT')) return false;
    throw cause;
  }
}

async function readEntry(file: string): Promise<Entry | undefined> {
  try {
    return entryOf(file, await readRegularFile(file, BYTES_MAX));
  } catch (cause) {
    return noEntry(file, cause);
  }
}

function readEntryNow(file: string): Entry | undefined {
  try {
    return entryOf(file, readRegularFileNow(file, BYTES_MAX));
  } catch (cause) {
    return noEntry(file, cause);
  }
}

function entryOf(file: string, content: Buffer): Entry {
  const entry = jsonOf(content.toString(), entryShape);
  if (!entry) throw damagedLock(file);
  return entry;
}

function noEntry(file: string, cause: unknown): undefined {
  if (hasCode(cause, 'ENOENT')) return undefined;
  throw cause instanceof Failure ? cause : cannotLock(file, cause);
}

/** The id becomes part of a file name (`breakPath`), so it must not lead to another directory. */
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

const entryShape = object<Entry>({
  info: object<Entry['info']>({
    id: pattern(ID, 'an id of letters, digits and dashes'),
    ...lockFields,
  }),
  owner: ownerShape,
});

function cannotLock(file: string, cause: unknown): Failure {
  const notAFile = cause instanceof UnfitFileError;
  const noLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].some((code) => hasCode(cause, code));
  return Failure.of(
    'state',
    'lock-failed',
    `the state cannot be locked: ${systemReason(cause)}`,
    {
      where: { file },
      remedy: notAFile
        ? `make sure that no run works on this state, then remove ${quotedWhole(file)}`
        : noLinks
          ? 'this file system has no hard links; keep the state on one that has (ext4, xfs, APFS, NTFS, NFS)'
          : 'run as the user that the state belongs to; its directory must be writable and have room for a small file',
    },
    { cause },
  );
}
