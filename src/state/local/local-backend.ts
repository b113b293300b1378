import { constants } from 'node:buffer';
import { runInterruptibly } from '../../domain/chunked-work.ts';
import { Failure } from '../../domain/errors.ts';
import { optional } from '../../domain/optional.ts';
import type { State } from '../../domain/state.ts';
import { hasCode, systemReason } from '../../files/system-error.ts';
import type { Backend, BackendContext } from '../backend.ts';
import { encodeSnapshot, type Snapshot } from '../codec.ts';
import { type Chain, extendChain } from '../history-chain.ts';
import { type LeaseStorage, StateLease } from '../lease.ts';
import { type HeldLock, type Lock, withoutEnd } from '../lock.ts';
import { lockLost } from '../lock-failures.ts';
import { notWritten } from '../server-failures.ts';
import type { Appender, Disk, Guard } from './disk.ts';
import { groupLine, headerLine, type JournalHeader, parseJournal } from './journal.ts';
import { recover } from './recover.ts';

/**
 * A state in a file (the snapshot), with a journal beside it during a run. A commit appends one line and syncs it, whatever
 * the size of the state. The journal is folded into the snapshot at the end of the run, and before it is too long to be
 * read; if that did not happen, by the next run.
 */
interface LocalBackendOptions extends Pick<BackendContext, 'clock' | 'newId'> {
  /** The path of the snapshot, with symbolic links resolved: two names of one state must have the same lock. */
  readonly path: string;
  /** For messages; default: the path. */
  readonly location?: string;
  readonly disk: Disk;
  readonly lock: Lock;
  /** A longer journal is folded during the run. Default: a quarter of what can be read. */
  readonly journalBytesMax?: number;
}

export function localBackend(options: LocalBackendOptions): Backend {
  const { path, location = path, lock, clock, newId, disk } = options;
  const { journalBytesMax = constants.MAX_STRING_LENGTH / 4 } = options;
  const files = new LocalFiles(path, disk, newId);
  return {
    location,
    id: path,
    read: async () => (await files.load())?.state,
    async snapshot() {
      const loaded = await files.load();
      return loaded && sealed(loaded);
    },
    async lock(actor, waitMs, signal) {
      const held = await lock.acquire(actor, waitMs, signal);
      try {
        const found = await files.foldLeftovers(() => assertHeld(held), signal);
        const storage = lockedFiles(files, held, found, journalBytesMax);
        return new StateLease({ storage, found, actor, clock, newId, location });
      } catch (cause) {
        await held.release();
        throw cause;
      }
    },
    holder: () => lock.holder(),
    unlock: (id) => lock.unlock(id),
  };
}

/**
 * The two files. Each change takes a guard that throws if the lock was lost: a process that was frozen may continue in the
 * middle of any of this, long after another process took over its lock.
 */
class LocalFiles {
  readonly journalPath: string;
  readonly #path: string;
  readonly #disk: Disk;
  readonly #newKey: () => string;

  constructor(path: string, disk: Disk, newKey: () => string) {
    this.#path = path;
    this.journalPath = `${path}.journal`;
    this.#disk = disk;
    this.#newKey = newKey;
  }

  /**
   * Needs no lock. The journal is read first: if its owner folds it in between, the snapshot that is read then has all of
   * it. In the other order, an old snapshot could be combined with no journal or a later one.
   */
  async load(): Promise<Snapshot | undefined> {
    return (await this.#read()).loaded;
  }

  /**
   * Folds a journal that an earlier run left. Nothing is appended to such a journal: it may end in a torn line, or (after
   * a failed sync) in one that is in the page cache but not on the disk. So what was read is written and synced again.
   */
  async foldLeftovers(guard: Guard, stop?: AbortSignal): Promise<Snapshot | undefined> {
    const { loaded, hasJournal } = await this.#read(stop);
    return loaded && hasJournal ? await this.fold(loaded, guard) : loaded;
  }

  /**
   * Writes the whole state into the snapshot. If this fails, the journal is still there and nothing is lost. A snapshot
   * without a key gets a new one. A snapshot that was found keeps its key: after a power failure its journal may be back,
   * and its owner, which was frozen, may write into it.
   */
  async fold(snapshot: Snapshot, guard: Guard): Promise<Keyed> {
    const { journal_key = this.#newKey() } = snapshot;
    const folded = { ...sealed(snapshot), journal_key };
    const text = encodeSnapshot(folded, journal_key);
    await this.#do('write', this.#path, () =>
      // Rule: snapshot-is-replaced-under-the-lock
      this.#disk.replace(this.#path, text, guard),
    );
    await this.#do('remove', this.journalPath, () =>
      // Rule: journal-is-removed-under-the-lock
      this.#disk.remove(this.journalPath, guard),
    );
    return folded;
  }

  /**
   * Replaces `current`, which is folded first, with another state. After a power failure a removed journal may be back, and
   * it must not be combined with a state that it does not belong to: so an empty journal replaces it first.
   */
  async replace(current: Snapshot | undefined, next: Snapshot, guard: Guard): Promise<Keyed> {
    if (current) {
      const { state, journal_key } = await this.fold(current, guard);
      const { text } = headerLine({ lineage: state.lineage, base: state.serial, key: journal_key });
      await this.#do('write', this.journalPath, () => this.#disk.replace(this.journalPath, text, guard));
    }
    return await this.fold({ state: next.state, chain: next.chain }, guard);
  }

  /** Creates a journal for the snapshot. */
  async beginJournal(of: Omit<JournalHeader, 'format'>, guard: Guard): Promise<StartedJournal> {
    const { text, sum } = headerLine(of);
    try {
      return { journal: await this.#disk.create(this.journalPath, text), sum, bytes: 0 };
    } catch (cause) {
      if (!hasCode(cause, 'EEXIST') || !(await this.#isStray())) throw cause;
    }
    await this.#disk.remove(this.journalPath, guard);
    return { journal: await this.#disk.create(this.journalPath, text), sum, bytes: 0 };
  }

  /** An empty journal is from a process that lost its lock before it wrote: earlier journals were folded. */
  async #isStray(): Promise<boolean> {
    const bytes = await this.#disk.read(this.journalPath);
    const journal = bytes && (await runInterruptibly(parseJournal(bytes)));
    return !journal || (journal.kind === 'valid' && journal.commits.length === 0);
  }

  async #read(stop?: AbortSignal): Promise<{ loaded: Snapshot | undefined; hasJournal: boolean }> {
    const { journalPath } = this;
    const path = this.#path;
    const journal = await this.#do('read', journalPath, () => this.#disk.read(journalPath));
    const snapshot = await this.#do('read', path, () => this.#disk.read(path));
    // Rule: leftover-journal-is-read
    const files = { path, snapshot, journalPath, journal };
    const loaded = await runInterruptibly(recover(files), stop);
    return { loaded, hasJournal: journal !== undefined };
  }

  async #do<T>(verb: 'read' | 'write' | 'remove', path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof Failure) throw cause;
      throw Failure.of(
        'state',
        `state-not-${PARTICIPLE[verb]}`,
        `cannot ${verb} ${path}: ${systemReason(cause)}`,
        {
          where: { file: path },
          remedy:
            verb === 'read'
              ? 'run as the user who owns the file'
              : 'fix this (free space, permissions) and run the command again; everything committed is safe',
        },
        { cause },
      );
    }
  }
}

/** `sum`: of its last line. `bytes`: of the lines after the first one. */
interface StartedJournal {
  readonly journal: Appender;
  readonly sum: string;
  readonly bytes: number;
}

/** A snapshot as it is in the file. */
type Keyed = Snapshot & { readonly journal_key: string };

/** Adds the hashes that are missing. */
function sealed({ state, chain }: Snapshot): Snapshot {
  return { state, chain: extendChain(state, chain) };
}

const PARTICIPLE = { read: 'read', write: 'written', remove: 'removed' } as const;

function lockedFiles(
  files: LocalFiles,
  held: HeldLock,
  found: Snapshot | undefined,
  journalBytesMax: number,
): LeaseStorage {
  const guard = () => assertHeld(held);
  let chain: Chain = found?.chain ?? [];
  /** The key of the snapshot; undefined if something other than this backend wrote the file. */
  let key = found?.journal_key;
  let current: StartedJournal | undefined;

  const snapshotOf = (state: State): Snapshot => ({ state, chain, ...optional('journal_key', key) });

  return {
    // A lock file is only taken from a process that is dead, except by a user.
    lock: {
      ...withoutEnd(held.info),
      remainingMs: () => (isHeld(held) ? Number.POSITIVE_INFINITY : 0),
    },

    async append({ before, commits }) {
      try {
        const isTooLong = current !== undefined && current.bytes > journalBytesMax;
        if (isTooLong) {
          await current?.journal.close();
          current = undefined;
        }
        if (!current) {
          if (isTooLong || key === undefined)
            ({ chain, journal_key: key } = await files.fold(snapshotOf(before), guard));
          const { lineage, serial: base } = before;
          current = await files.beginJournal({ lineage, base, key }, guard);
          // If the lock was lost before, the next holder does not know of this journal.
          guard();
        }
        const { journal } = current;
        const { text, sum } = groupLine(current.sum, commits);
        const line = Buffer.from(text);
        await journal.write(line);
        // Rule: journal-is-synced
        await journal.sync();
        current = { journal, sum, bytes: current.bytes + line.length };
      } catch (cause) {
        if (cause instanceof Failure) throw cause;
        const remedy =
          'fix this (free space, permissions), then run the same command again: it checks the cloud first';
        throw notWritten(files.journalPath, systemReason(cause), cause, remedy);
      }
      // Rule: lost-lock-acknowledges-no-commit
      // If the lock is still ours after the sync, nobody folded the journal before this line was in it. If a user removed
      // the lock of a running process, it must not acknowledge what the next holder does not see.
      guard();
    },

    async replace(next, before) {
      await current?.journal.close();
      current = undefined;
      guard();
      ({ chain, journal_key: key } = await files.replace(before && snapshotOf(before), next, guard));
      guard();
    },

    async release(last) {
      try {
        await current?.journal.close();
        // without `last` it is not known what the journal contains: the next holder reads it
        if (current && last) {
          guard();
          await files.fold({ state: last, chain }, guard);
        }
      } finally {
        await held.release();
      }
    },
  };
}

function assertHeld(held: HeldLock): void {
  if (!held.stillHeld()) throw lockLost(held.info);
}

function isHeld(held: HeldLock): boolean {
  try {
    return held.stillHeld();
  } catch {
    return false; // the lock cannot be read
  }
}
