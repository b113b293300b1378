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
import { OWNER_ONLY, temporaryName } from '../../files/replace-file.ts';
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
 * How it stays exclusive:
 *
 * - A lock is made by link(2), which creates the file with its whole content, and fails if the file exists.
 * - To remove lock X, a process first makes the file `<lock>.break-X` in the same way: the removal lock. Only its holder may
 *   remove X. It reads the lock once more. Only if that still is X, it renames its own lock over it (takeover) or removes it
 *   (release, unlock). So no two processes remove X, and none removes a lock other than the one that it read.
 * - A removal lock is a lock itself: if its owner died, it is replaced by the same rule.
 */
export class LockFile implements Lock {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #processes: Processes;

  constructor({ path, clock, newId = randomUUID, processes = nodeProcesses }: LockFileOptions) {
    this.#path = path;
    this.#clock = clock;
    this.#newId = newId;
    this.#processes = processes;
  }

  async acquire(actor: Actor, waitMs: number, signal?: AbortSignal): Promise<HeldLock> {
    const own = await this.#newContent(actor);
    const attempt = async () => {
      const current = await this.#tryTake(this.#path, own);
      return current ? { refused: () => lockedBy(current.info, this.#path) } : { acquired: this.#held(own) };
    };
    return await waitForLock(this.#clock, waitMs, signal, attempt, POLL_MS_MIN);
  }

  async holder(): Promise<LockHolder | undefined> {
    const current = await readLock(this.#path);
    return current && !(await this.#processes.isDead(current.owner)) ? current.info : undefined;
  }

  async unlock(id: string): Promise<LockHolder> {
    const path = this.#path;
    const current = await readLock(path);
    if (!current) throw notLocked(id, path);
    if (current.info.id !== id) throw anotherLock(id, current.info, path);
    const own = await this.#newContent({ ...current.info, operation: 'unlock' });
    if (!(await this.#removeLock(id, own))) {
      // Another process removes it at this moment, and takes the lock.
      const now = await readLock(path);
      if (now) throw anotherLock(id, now.info, path);
    }
    return current.info;
  }

  #held(own: LockFileContent): HeldLock {
    return {
      info: own.info,
      stillHeld: () => readLockNow(this.#path)?.info.id === own.info.id,
      release: () => this.#release(own),
    };
  }

  /** The removal lock is a second name of the lock itself, so that a lock can be released on a full disk. */
  async #release(own: LockFileContent): Promise<void> {
    const path = this.#path;
    const { id } = own.info;
    const removalLock = removalLockPath(path, id);
    for (let round = 0; round < RELEASE_ROUNDS_MAX; round++) {
      if ((await readLock(path))?.info.id !== id) return;
      if (await addName(path, removalLock)) {
        if ((await readLock(removalLock))?.info.id === id) await unlink(path);
        await unlink(removalLock);
      } else if (!(await this.#removeLock(id, await this.#newContent(own.info)))) {
        await this.#clock.sleep(POLL_MS_MIN); // somebody is unlocking it
      }
    }
  }

  async #newContent(actor: Actor): Promise<LockFileContent> {
    const owner = await this.#processes.self();
    const info = newLockInfo(actor, this.#clock, this.#newId);
    return { info: { ...info, host: owner.host, pid: owner.pid }, owner };
  }

  /** Makes `own` the lock at `file`; else returns the lock that is there, whose owner may be alive. */
  async #tryTake(file: string, own: LockFileContent): Promise<LockFileContent | undefined> {
    for (let round = 0; round < ACQUIRE_ROUNDS_MAX; round++) {
      const current = await readLock(file);
      if (!current) {
        if (await create(file, own)) return undefined;
        continue; // another process was faster, or NFS reported a link that it made as failed
      }
      if (current.info.id === own.info.id) return undefined;
      if (!(await this.#processes.isDead(current.owner))) return current;
      const removalLock = removalLockPath(file, current.info.id);
      const other = await this.#tryTake(removalLock, own);
      if (other) return other;
      if ((await readLock(file))?.info.id === current.info.id) {
        await rename(removalLock, file); // the removal lock becomes the new lock, in one step
        return undefined;
      }
      await unlink(removalLock);
    }
    throw cannotLock(file, new Error('something there can neither be read nor replaced'));
  }

  /** Removes lock `id`; false if another process is about to. */
  async #removeLock(id: string, own: LockFileContent): Promise<boolean> {
    const removalLock = removalLockPath(this.#path, id);
    if (await this.#tryTake(removalLock, own)) return false;
    try {
      if ((await readLock(this.#path))?.info.id === id) await unlink(this.#path);
    } finally {
      await unlink(removalLock);
    }
    return true;
  }
}

interface LockFileOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly newId?: () => string;
  readonly processes?: Processes;
}

interface LockFileContent {
  readonly info: LockInfo;
  readonly owner: Owner;
}

/** In each lost round another process got the lock; so many in a row have another cause. */
const ACQUIRE_ROUNDS_MAX = 1_000;
/** Five seconds. A lock that is left behind does no harm: it ends with its process. */
const RELEASE_ROUNDS_MAX = 20;
/** A lock has some hundred bytes. */
const LOCK_FILE_BYTES_MAX = 64 * 1024;

function removalLockPath(file: string, id: string): string {
  return `${file}.break-${id}`;
}

/** False if the file exists already. A new file has its whole content from its first moment on. */
async function create(file: string, content: LockFileContent): Promise<boolean> {
  const temporary = temporaryName(file);
  try {
    const handle = await open(temporary, 'wx', OWNER_ONLY);
    try {
      await handle.writeFile(`${JSON.stringify(content, undefined, 2)}\n`);
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

async function readLock(file: string): Promise<LockFileContent | undefined> {
  try {
    return lockIn(file, await readRegularFile(file, LOCK_FILE_BYTES_MAX));
  } catch (cause) {
    return absentLock(file, cause);
  }
}

function readLockNow(file: string): LockFileContent | undefined {
  try {
    return lockIn(file, readRegularFileNow(file, LOCK_FILE_BYTES_MAX));
  } catch (cause) {
    return absentLock(file, cause);
  }
}

function lockIn(file: string, content: Buffer): LockFileContent {
  const lock = jsonOf(content.toString(), contentShape);
  if (!lock) throw damagedLock(file);
  return lock;
}

function absentLock(file: string, cause: unknown): undefined {
  if (hasCode(cause, 'ENOENT')) return undefined;
  throw cause instanceof Failure ? cause : cannotLock(file, cause);
}

/** The id becomes part of a file name (`removalLockPath`), so it must not lead to another directory. */
const LOCK_FILE_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

const contentShape = object<LockFileContent>({
  info: object<LockInfo>({
    id: pattern(LOCK_FILE_ID, 'an id of letters, digits and dashes'),
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
