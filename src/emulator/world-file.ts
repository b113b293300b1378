/**
 * Stores a world: in memory, or in a file that outlives its process.
 *
 * A change is durable before it is answered (temporary file, fsync, rename, fsync of the folder). Changes that arrive
 * during a write share the next one. Changes that follow from time alone need no write, because the file determines
 * them. A short exclusive lock around each write lets several processes serve the same file.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, lstatSync, openSync, writeSync } from 'node:fs';
import { link, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeDirectory } from '../files/make-directory.ts';
import { readRegularFile, readRegularFileNow, UnfitFileError } from '../files/read-file.ts';
import { replaceFile } from '../files/replace-file.ts';
import { isFields } from './check.ts';
import type { World } from './model.ts';

/** The world file cannot be used. The message says what is wrong and what to do. */
export class WorldFileError extends Error {
  override readonly name = 'WorldFileError';
}

export interface WorldStore {
  /** Reads the current world. `use` may advance it in time, but must not change it otherwise. */
  read<T>(use: (world: World) => T): T;
  /** Changes the world. Resolves with the result of `change` once the change is durable. */
  write<T>(change: (world: World) => T): Promise<T>;
  /** Resolves once all changes so far are durable. */
  flush(): Promise<void>;
}

/** A world in memory, which ends with its process. */
export function memoryStore(world: World): WorldStore {
  return {
    read: (use) => use(world),
    write: async (change) => change(world),
    flush: async () => {},
  };
}

/**
 * Opens the world in `path`, or the one that `create` makes if the file does not exist. If `signal` is aborted, the
 * wait for another process that uses the file rejects with its reason.
 *
 * @throws WorldFileError if the file is damaged, of another format, newer than this program, or not accessible
 */
export async function openWorldFile(
  path: string,
  create: () => World,
  signal?: AbortSignal,
): Promise<WorldStore> {
  try {
    await makeDirectory(dirname(path));
    const lock = await acquireLock(path, signal);
    try {
      if (versionOf(path) === null) await replaceFile(path, JSON.stringify(create()));
    } finally {
      await lock.release();
    }
    return new FileStore(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error === signal?.reason || error instanceof WorldFileError || code === undefined) throw error;
    throw new WorldFileError(`${path} cannot be used (${code})`);
  }
}

interface QueuedChange {
  change: (world: World) => unknown;
  settle: (outcome: Outcome) => void;
}

type Outcome = { ok: true; value: unknown } | { ok: false; error: unknown };

class FileStore implements WorldStore {
  readonly #path: string;
  #world: World;
  /** Identifies the version of the file that `#world` was read from or written to. */
  #stamp: string | null;
  #queue: QueuedChange[] = [];
  #draining: Promise<void> | null = null;
  /** True between a change in memory and its write: the file is then older than the memory. */
  #writing = false;

  constructor(path: string) {
    this.#path = path;
    this.#stamp = versionOf(path);
    this.#world = load(path);
  }

  read<T>(use: (world: World) => T): T {
    if (!this.#writing) this.#refresh();
    try {
      return use(this.#world);
    } catch (error) {
      throw damageOf(error, this.#path);
    }
  }

  write<T>(change: (world: World) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = (outcome: Outcome) => {
        if (outcome.ok) resolve(outcome.value as T);
        else reject(outcome.error);
      };
      this.#queue.push({ change, settle });
      this.#draining ??= this.#drain().finally(() => {
        this.#draining = null;
      });
    });
  }

  async flush(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      let batch: QueuedChange[] = [];
      try {
        const lock = await acquireLock(this.#path);
        try {
          this.#refresh();
          batch = this.#queue.splice(0);
          this.#writing = true;
          const outcomes = batch.map(({ change }) => attempt(() => change(this.#world), this.#path));
          if (outcomes.some(({ ok }) => ok)) {
            await replaceFile(this.#path, JSON.stringify(this.#world));
            this.#stamp = versionOf(this.#path);
          } else this.#stamp = '';
          this.#writing = false;
          for (const [index, outcome] of outcomes.entries()) batch[index]?.settle(outcome);
        } finally {
          this.#writing = false;
          await lock.release();
        }
      } catch (error) {
        // A change that is not durable did not happen: the next one starts from the content of the file.
        this.#stamp = '';
        for (const { settle } of batch.length > 0 ? batch : this.#queue.splice(0))
          settle({ ok: false, error: damageOf(error, this.#path) });
      }
    }
  }

  /** Loads what another process wrote. If the file was removed, the next write creates it again. */
  #refresh(): void {
    const stamp = versionOf(this.#path);
    if (stamp === null || stamp === this.#stamp) return;
    this.#world = load(this.#path);
    this.#stamp = stamp;
  }
}

function attempt(run: () => unknown, path: string): Outcome {
  try {
    return { ok: true, value: run() };
  } catch (error) {
    return { ok: false, error: damageOf(error, path) };
  }
}

/**
 * Only the outline of a file is checked when it is read. A part that is missing, of another type or too deep causes an
 * error when it is used. The message contains nothing of the file.
 */
function damageOf(error: unknown, path: string): unknown {
  if (!(error instanceof TypeError || error instanceof RangeError)) return error;
  return new WorldFileError(`${path} is damaged: an entry is missing or malformed. ${REMOVE_REMEDY}`, {
    cause: error,
  });
}

/** Changes with every write, because each write creates a new file; null if there is no file. */
function versionOf(path: string): string | null {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? null : `${stat.ino} ${stat.mtimeNs} ${stat.size}`;
}

const RECORDS = [
  'settings',
  'projects',
  'users',
  'application_credentials',
  'access_keys',
  'tokens',
  'servers',
  'volumes',
  'backups',
  'jobs',
  'faults',
];
const REMOVE_REMEDY = 'Remove the file to begin with a new world.';
const LISTS = ['running', 'scheduled_events', 'fault_log'];

/** More than the size of the largest world that `--volumes` creates. */
const WORLD_BYTES_MAX = 512 * 1024 * 1024;
const LOCK_BYTES_MAX = 64 * 1024;

/** No message quotes the file before it is known to be a world, because it may contain secrets. */
function load(path: string): World {
  const world = parsed(read(path));
  if (!isFields(world) || world.format !== 'vbsctl-emulator-world') {
    throw new WorldFileError(
      `${path} is not a world of the emulator: JSON with the format vbsctl-emulator-world was expected. ${REMOVE_REMEDY}`,
    );
  }
  if (world.version !== 1) {
    const version = typeof world.version === 'number' ? `of version ${world.version}` : 'without a version';
    throw new WorldFileError(
      `${path} is a world ${version}, and this program knows version 1. Use the program that wrote it, or remove the file to begin with a new world.`,
    );
  }
  const damaged = [
    ...RECORDS.filter((part) => !isFields(world[part])),
    ...LISTS.filter((part) => !Array.isArray(world[part])),
  ];
  if (damaged.length > 0) {
    throw new WorldFileError(
      `${path} is damaged: ${damaged.join(', ')} missing or malformed. ${REMOVE_REMEDY}`,
    );
  }
  return world as unknown as World;
}

/** The error code of the system, or what is wrong with the file. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return error instanceof UnfitFileError || code === undefined ? message : code;
}

function read(path: string): Buffer {
  try {
    return readRegularFileNow(path, WORLD_BYTES_MAX);
  } catch (error) {
    throw new WorldFileError(`${path} cannot be read: ${reasonOf(error)}`);
  }
}

/** Undefined for what is not JSON. */
function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

interface Lock {
  release(): Promise<void>;
}

/** The owner of the lock, as written in the lock file. */
interface Holder {
  pid: number;
  host: string;
  id: string;
}

const LOCK_WAIT_MS_MAX = 10_000;
/** An empty lock file is still being written. If it stays empty for longer than this, its writer has died. */
const LOCK_EMPTY_MS_MAX = 2000;

/** Ids of the locks that this process holds, to distinguish them from those of a dead process with the same pid. */
const held = new Set<string>();

/**
 * The lock is held for one read-modify-write, a few milliseconds. A lock of a dead process of this host is taken over. It is
 * not the lock of a state (`state/local/lock-file.ts`): the emulator shares no code with the parts that it tests, and a
 * wrongly broken lock costs only made-up data.
 */
async function acquireLock(path: string, signal?: AbortSignal): Promise<Lock> {
  const lock = `${path}.lock`;
  const own: Holder = { pid: process.pid, host: hostname(), id: randomUUID() };
  for (const deadline = performance.now() + LOCK_WAIT_MS_MAX; ; ) {
    if (create(lock, own)) {
      held.add(own.id);
      return {
        release: async () => {
          held.delete(own.id);
          await rm(lock, { force: true });
        },
      };
    }
    const text = await readLock(lock);
    if (text !== null && isStale(text, lock)) await removeStale(lock, text);
    else if (performance.now() > deadline) {
      throw new WorldFileError(
        `${lock} has been held for more than ${LOCK_WAIT_MS_MAX / 1000} s (${holderOf(text)}). If no emulator uses ${path}, remove the lock file.`,
      );
    } else {
      signal?.throwIfAborted();
      await sleep(1 + Math.random() * 4);
    }
  }
}

/** Reads the lock; null if it no longer exists. Throws for a link or a pipe, which is not a lock. */
async function readLock(path: string): Promise<string | null> {
  try {
    return (await readRegularFile(path, LOCK_BYTES_MAX)).toString();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new WorldFileError(
      `${path} cannot be read (${reasonOf(error)}). If no emulator uses it, remove the lock file.`,
    );
  }
}

function holderOf(text: string | null): string {
  const holder = text === null ? undefined : parsed(Buffer.from(text));
  return isFields(holder) && typeof holder.pid === 'number' ? `by process ${holder.pid}` : 'holder unknown';
}

function create(lock: string, holder: Holder): boolean {
  try {
    const file = openSync(lock, 'wx', 0o600);
    writeSync(file, JSON.stringify(holder));
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isStale(text: string, lock: string): boolean {
  const holder = parsed(Buffer.from(text));
  if (!isFields(holder)) {
    const stat = lstatSync(lock, { throwIfNoEntry: false });
    return stat !== undefined && Date.now() - stat.mtimeMs > LOCK_EMPTY_MS_MAX;
  }
  if (holder.host !== hostname() || typeof holder.pid !== 'number') return false;
  if (holder.pid === process.pid) return typeof holder.id !== 'string' || !held.has(holder.id);
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Renames the lock first: if two processes find it stale, one of them may have created a new lock meanwhile. */
async function removeStale(lock: string, stale: string): Promise<void> {
  const aside = `${lock}.${randomUUID()}`;
  try {
    await rename(lock, aside);
  } catch {
    return;
  }
  const text = await readLock(aside).catch(() => null);
  if (text !== stale) await link(aside, lock).catch(() => {});
  await rm(aside, { force: true });
}
