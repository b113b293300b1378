import { runInterruptibly } from '../../domain/chunked-work.ts';
import type { Clock } from '../../domain/clock.ts';
import { Failure } from '../../domain/errors.ts';
import { optional } from '../../domain/optional.ts';
import type { State } from '../../domain/state.ts';
import { hasCode, systemReason } from '../../files/system-error.ts';
import type { Backend, LockInfo } from '../backend.ts';
import { encodeSnapshot, type Snapshot } from '../codec.ts';
import { type Chain, extendChain } from '../history-chain.ts';
import { type Group, type LockedStore, StoredLease } from '../lease.ts';
import type { HeldLock, Lock } from '../lock.ts';
import { lockLost } from '../lock-failures.ts';
import { notWritten } from '../server-failures.ts';
import type { Appender, Disk, Guard } from './disk.ts';
import { groupLine, headerLine, type JournalHeader, parseJournal } from './journal.ts';
import { recover } from './recover.ts';

/**
 * A state in a file (the snapshot), with a journal beside it while somebody works on it. A commit is one line
 * appended and synced, whatever the size of the state; the journal is folded into the snapshot at the end, or
 * at the next start when the end never came.
 */
export interface LocalBackendOptions {
  /** Of the snapshot, symbolic links resolved: two names of one state must meet at one lock. */
  readonly path: string;
  /** How messages call it; the path when absent. */
  readonly location?: string;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly lock: Lock;
  /** A fresh UUID: the lineage of a state that is created, and the key of each snapshot that is written. */
  readonly newId: () => string;
}

export function localBackend(options: LocalBackendOptions): Backend {
  const { path, location = path, lock, clock, newId, disk } = options;
  const store = new Store(path, disk, newId);
  return {
    location,
    id: path,
    read: async () => (await store.load())?.state,
    async snapshot() {
      const loaded = await store.load();
      return loaded && sealed(loaded);
    },
    async lock(actor, waitMs, signal) {
      const held = await lock.acquire(actor, waitMs, signal);
      try {
        const found = await store.foldLeftovers(() => mustHold(held), signal);
        const locked = new LockedFile(store, held, found);
        return new StoredLease({ store: locked, found, actor, clock, newId, location });
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
 * The two files. Who changes them brings a guard that throws once his lock was broken: a process that was frozen
 * may wake up in the middle of any of this, long after somebody took it for dead and another owner went on.
 */
class Store {
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
   * Needs no lock. The journal is read first: should its owner fold it in between, the snapshot that is read
   * then has all of it. The other way round, an old snapshot could meet a journal that is gone or a later one.
   */
  async load(): Promise<Snapshot | undefined> {
    return (await this.#read()).loaded;
  }

  /**
   * What an owner left behind, all of it in the snapshot. Nothing is ever appended to a journal that was found:
   * it may end in a torn line, or (after a failed sync) in one that the page cache has and the disk has not.
   * What was read is written anew and synced before anything is built on it.
   */
  async foldLeftovers(guard: Guard, stop?: AbortSignal): Promise<Snapshot | undefined> {
    const { loaded, hasJournal } = await this.#read(stop);
    return loaded && hasJournal ? await this.fold(loaded, guard) : loaded;
  }

  /**
   * Makes the snapshot hold it all. When this fails the journal still stands and nothing is lost. Without a key it gets a new
   * one. What was found keeps its key: after a power failure its journal may be back, and its owner, frozen until then,
   * may write into it.
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
   * Another state in place of `current`, which is folded first. The removal of a journal may not outlive a power
   * failure, and one that comes back must not meet a state it was not made for: an empty one takes its place.
   */
  async replace(current: Snapshot | undefined, next: Snapshot, guard: Guard): Promise<Keyed> {
    if (current) {
      const { state, journal_key } = await this.fold(current, guard);
      const { text } = headerLine({ lineage: state.lineage, base: state.serial, key: journal_key });
      await this.#do('write', this.journalPath, () => this.#disk.replace(this.journalPath, text, guard));
    }
    return await this.fold({ state: next.state, chain: next.chain }, guard);
  }

  /** A new journal behind the snapshot as it is; `sum` is what its first group builds on. */
  async beginJournal(
    of: Omit<JournalHeader, 'format'>,
    guard: Guard,
  ): Promise<{ journal: Appender; sum: string }> {
    const { text, sum } = headerLine(of);
    try {
      return { journal: await this.#disk.create(this.journalPath, text), sum };
    } catch (cause) {
      if (!hasCode(cause, 'EEXIST') || !(await this.#isStray())) throw cause;
    }
    await this.#disk.remove(this.journalPath, guard);
    return { journal: await this.#disk.create(this.journalPath, text), sum };
  }

  /** What was found was folded: this one was begun since, by a process that lost its lock before it wrote into it. */
  async #isStray(): Promise<boolean> {
    const bytes = await this.#disk.read(this.journalPath);
    const journal = bytes && (await runInterruptibly(parseJournal(bytes)));
    return !journal || (journal.kind === 'sound' && journal.commits.length === 0);
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

/** As it stands in the file. */
type Keyed = Snapshot & { readonly journal_key: string };

/** With a hash for every entry of the history. */
function sealed({ state, chain }: Snapshot): Snapshot {
  return { state, chain: extendChain(state, chain) };
}

const PARTICIPLE = { read: 'read', write: 'written', remove: 'removed' } as const;

class LockedFile implements LockedStore {
  readonly #store: Store;
  readonly #held: HeldLock;
  readonly #guard: Guard;
  #chain: Chain;
  /** Of the snapshot; undefined where something else than this backend wrote the file. */
  #key: string | undefined;
  #journal: { journal: Appender; sum: string } | undefined;
  readonly lost = undefined;

  constructor(store: Store, held: HeldLock, found: Snapshot | undefined) {
    this.#store = store;
    this.#held = held;
    this.#guard = () => mustHold(held);
    this.#chain = found?.chain ?? [];
    this.#key = found?.journal_key;
  }

  get lock(): LockInfo {
    return this.#held.info;
  }

  readonly ttlMs = Number.POSITIVE_INFINITY;

  /** A local lock is taken from nobody who lives, but by a person. */
  remainingMs(): number {
    try {
      return this.#held.stillHeld() ? Number.POSITIVE_INFINITY : 0;
    } catch {
      return 0; // who cannot see his lock cannot say that it is his
    }
  }

  async append({ before, commits }: Group): Promise<void> {
    try {
      if (!this.#journal) {
        const key = this.#key ?? this.#stored(await this.#store.fold(this.#with(before), this.#guard));
        const { lineage, serial: base } = before;
        this.#journal = await this.#store.beginJournal({ lineage, base, key }, this.#guard);
        // Had the lock been broken before, the next owner would not know of this journal.
        this.#guard();
      }
      const { text, sum } = groupLine(this.#journal.sum, commits);
      await this.#journal.journal.write(Buffer.from(text));
      // Rule: journal-is-synced
      await this.#journal.journal.sync();
      this.#journal = { ...this.#journal, sum };
    } catch (cause) {
      if (cause instanceof Failure) throw cause;
      const remedy =
        'fix this (free space, permissions), then run the same command again: it checks the cloud first';
      throw notWritten(this.#store.journalPath, systemReason(cause), cause, remedy);
    }
    // Rule: lost-lock-acknowledges-nothing
    // Still ours after the sync: so nobody has folded the journal before this was in it. A person who broke
    // the lock of a living process must not make it acknowledge what the next owner never saw.
    this.#guard();
  }

  async replace(next: Snapshot, current: State | undefined): Promise<void> {
    await this.#journal?.journal.close();
    this.#journal = undefined;
    this.#guard();
    this.#stored(await this.#store.replace(current && this.#with(current), next, this.#guard));
    this.#guard();
  }

  #with(state: State): Snapshot {
    return { state, chain: this.#chain, ...optional('journal_key', this.#key) };
  }

  #stored({ chain, journal_key }: Keyed): string {
    this.#chain = chain;
    this.#key = journal_key;
    return journal_key;
  }

  async release(last: State | undefined): Promise<void> {
    try {
      await this.#journal?.journal.close();
      // without `last`: what the journal really holds is for the next owner to read
      if (this.#journal && last) {
        this.#guard();
        await this.#store.fold({ state: last, chain: this.#chain }, this.#guard);
      }
    } finally {
      await this.#held.release();
    }
  }
}

/** Throws once somebody removed the lock. */
function mustHold(held: HeldLock): void {
  if (!held.stillHeld()) throw lockLost(held.info);
}
