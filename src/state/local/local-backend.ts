import { constants } from 'node:buffer';
import { runInterruptibly } from '../../domain/chunked-work.ts';
import { Failure } from '../../domain/errors.ts';
import { optional } from '../../domain/optional.ts';
import type { State } from '../../domain/state.ts';
import { hasCode, systemReason } from '../../files/system-error.ts';
import type { Backend, BackendContext, OwnLock } from '../backend.ts';
import { encodeSnapshot, type Snapshot } from '../codec.ts';
import { type Chain, extendChain } from '../history-chain.ts';
import { type Group, type LeaseStorage, StateLease } from '../lease.ts';
import { type HeldLock, type Lock, withoutEnd } from '../lock.ts';
import { lockLost } from '../lock-failures.ts';
import { notWritten } from '../server-failures.ts';
import type { Appender, Disk, Precondition } from './disk.ts';
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
      return loaded && withAllHashes(loaded);
    },
    async lock(actor, waitMs, signal) {
      const held = await lock.acquire(actor, waitMs, signal);
      try {
        const found = await files.foldLeftovers(() => assertHeld(held), signal);
        const storage = new LockedFiles(files, held, found, journalBytesMax);
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
 * The two files. Each change takes a precondition that throws if the lock was lost: a process that was frozen may continue
 * in the middle of any of this, long after another process took over its lock.
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
   * Folds a journal that an earlier run left. Nothing is appended to such a journal: it may end in an incomplete line, or
   * (after a failed sync) in one that is in the page cache but not on the disk. So what was read is written and synced again.
   */
  async foldLeftovers(precondition: Precondition, stop?: AbortSignal): Promise<Snapshot | undefined> {
    const { loaded, hasJournal } = await this.#read(stop);
    return loaded && hasJournal ? await this.fold(loaded, precondition) : loaded;
  }

  /**
   * Writes the whole state into the snapshot. If this fails, the journal is still there and nothing is lost.
   *
   * A snapshot without a key gets a new one. A snapshot that was found keeps its key, because its journal may be read again:
   * after a power failure the removed file may be back, or its former owner, which was frozen, may still write to it.
   */
  async fold(snapshot: Snapshot, precondition: Precondition): Promise<KeyedSnapshot> {
    const { journal_key = this.#newKey() } = snapshot;
    const folded = { ...withAllHashes(snapshot), journal_key };
    const text = encodeSnapshot(folded, journal_key);
    await this.#do('write', this.#path, () =>
      // Rule: snapshot-is-replaced-under-the-lock
      this.#disk.replace(this.#path, text, precondition),
    );
    await this.#do('remove', this.journalPath, () =>
      // Rule: journal-is-removed-under-the-lock
      this.#disk.remove(this.journalPath, precondition),
    );
    return folded;
  }

  /**
   * Replaces `current`, which is folded first, with another state. After a power failure a removed journal may be back, and
   * it must not be combined with a state that it does not belong to: so an empty journal replaces it first.
   */
  async replace(
    current: Snapshot | undefined,
    next: Snapshot,
    precondition: Precondition,
  ): Promise<KeyedSnapshot> {
    if (current) {
      const { state, journal_key } = await this.fold(current, precondition);
      const { text } = headerLine({ lineage: state.lineage, base: state.serial, key: journal_key });
      await this.#do('write', this.journalPath, () =>
        this.#disk.replace(this.journalPath, text, precondition),
      );
    }
    return await this.fold({ state: next.state, chain: next.chain }, precondition);
  }

  /** Creates a journal for the snapshot. */
  async beginJournal(of: Omit<JournalHeader, 'format'>, precondition: Precondition): Promise<OpenJournal> {
    const { text, sum } = headerLine(of);
    try {
      return { file: await this.#disk.create(this.journalPath, text), sum, bytes: 0 };
    } catch (cause) {
      if (!hasCode(cause, 'EEXIST') || !(await this.#isStray())) throw cause;
    }
    await this.#disk.remove(this.journalPath, precondition);
    return { file: await this.#disk.create(this.journalPath, text), sum, bytes: 0 };
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
interface OpenJournal {
  readonly file: Appender;
  readonly sum: string;
  readonly bytes: number;
}

/** A snapshot as it is in the file. */
type KeyedSnapshot = Snapshot & { readonly journal_key: string };

/** Adds the hashes that are missing. */
function withAllHashes({ state, chain }: Snapshot): Snapshot {
  return { state, chain: extendChain(state, chain) };
}

const PARTICIPLE = { read: 'read', write: 'written', remove: 'removed' } as const;

/** The two files while this process holds their lock. */
class LockedFiles implements LeaseStorage {
  readonly lock: OwnLock;
  readonly #files: LocalFiles;
  readonly #held: HeldLock;
  readonly #journalBytesMax: number;
  readonly #assertHeld: Precondition;
  #chain: Chain;
  /** The key of the snapshot; undefined if something other than this backend wrote the file. */
  #key: string | undefined;
  #journal: OpenJournal | undefined;

  constructor(files: LocalFiles, held: HeldLock, found: Snapshot | undefined, journalBytesMax: number) {
    this.#files = files;
    this.#held = held;
    this.#journalBytesMax = journalBytesMax;
    this.#assertHeld = () => assertHeld(held);
    this.#chain = found?.chain ?? [];
    this.#key = found?.journal_key;
    // A lock file is only taken from a process that is dead, except by a user.
    this.lock = {
      ...withoutEnd(held.info),
      remainingMs: () => (isHeld(held) ? Number.POSITIVE_INFINITY : 0),
    };
  }

  async append({ before, commits }: Group): Promise<void> {
    try {
      const { file, sum, bytes } = await this.#openJournal(before);
      const line = groupLine(sum, commits);
      const added = Buffer.from(line.text);
      await file.write(added);
      // Rule: journal-is-synced
      await file.sync();
      this.#journal = { file, sum: line.sum, bytes: bytes + added.length };
    } catch (cause) {
      if (cause instanceof Failure) throw cause;
      const remedy =
        'fix this (free space, permissions), then run the same command again: it checks the cloud first';
      throw notWritten(this.#files.journalPath, systemReason(cause), cause, remedy);
    }
    // Rule: lost-lock-acknowledges-no-commit
    // If the lock is still ours after the sync, nobody folded the journal before this line was in it. If a user removed
    // the lock of a running process, it must not acknowledge what the next holder does not see.
    this.#assertHeld();
  }

  async replace(next: Snapshot, current: State | undefined): Promise<void> {
    await this.#closeJournal();
    this.#assertHeld();
    const stored = await this.#files.replace(current && this.#snapshotOf(current), next, this.#assertHeld);
    this.#setSnapshot(stored);
    this.#assertHeld();
  }

  async release(last: State | undefined): Promise<void> {
    try {
      const wrote = this.#journal !== undefined;
      await this.#closeJournal();
      // Without `last` it is not known what the journal contains: the next holder reads it.
      if (wrote && last) {
        this.#assertHeld();
        await this.#files.fold({ state: last, chain: this.#chain }, this.#assertHeld);
      }
    } finally {
      await this.#held.release();
    }
  }

  /** The journal to append to: that of this run; a new one at the first commit, and if that of this run is too long. */
  async #openJournal(before: State): Promise<OpenJournal> {
    const isTooLong = this.#journal !== undefined && this.#journal.bytes > this.#journalBytesMax;
    if (isTooLong) await this.#closeJournal();
    if (this.#journal) return this.#journal;
    if (isTooLong || this.#key === undefined)
      this.#setSnapshot(await this.#files.fold(this.#snapshotOf(before), this.#assertHeld));
    const { lineage, serial: base } = before;
    const header = { lineage, base, key: this.#key ?? '' };
    this.#journal = await this.#files.beginJournal(header, this.#assertHeld);
    // If the lock was lost before, the next holder does not know of this journal.
    this.#assertHeld();
    return this.#journal;
  }

  async #closeJournal(): Promise<void> {
    await this.#journal?.file.close();
    this.#journal = undefined;
  }

  #snapshotOf(state: State): Snapshot {
    return { state, chain: this.#chain, ...optional('journal_key', this.#key) };
  }

  #setSnapshot({ chain, journal_key }: KeyedSnapshot): void {
    this.#chain = chain;
    this.#key = journal_key;
  }
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
