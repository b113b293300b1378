import { type Clock, isoTime } from '../../domain/clock.ts';
import { error } from '../../domain/diagnostic.ts';
import { Failure } from '../../domain/errors.ts';
import { type Actor, type Change, type Commit, emptyState, Ledger, type State } from '../../domain/state.ts';
import type { Target } from '../../domain/target.ts';
import type { Backend, Lease, LockInfo } from '../backend.ts';
import { encodeSnapshot, type Snapshot } from '../codec.ts';
import { type Chain, extendChain } from '../history-chain.ts';
import { commit as commitShape } from '../record-shape.ts';
import { describeMisfit, pathText } from '../shape.ts';
import type { Appender, Disk } from './disk.ts';
import { groupLine, headerLine } from './journal.ts';
import type { HeldLock, Lock } from './lock.ts';
import { recover } from './recover.ts';
import { systemReason } from './system-error.ts';

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
  /** A fresh UUID: the lineage of a state that is created. */
  readonly newId: () => string;
}

export function localBackend(options: LocalBackendOptions): Backend {
  const { path, location = path, lock } = options;
  const store = new Store(options);
  return {
    location,
    read: async () => (await store.load())?.state,
    async snapshot() {
      const loaded = await store.load();
      return loaded && sealed(loaded);
    },
    async lock(actor, waitMs) {
      const held = await lock.acquire(actor, waitMs);
      try {
        return new LocalLease(store, options.clock, actor, held, await store.foldLeftovers());
      } catch (cause) {
        await held.release();
        throw cause;
      }
    },
    holder: () => lock.holder(),
    unlock: (id) => lock.unlock(id),
  };
}

/** The two files. */
class Store {
  readonly journalPath: string;
  readonly #path: string;
  readonly #disk: Disk;
  readonly #newId: () => string;

  constructor({ path, disk, newId }: LocalBackendOptions) {
    this.#path = path;
    this.journalPath = `${path}.journal`;
    this.#disk = disk;
    this.#newId = newId;
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
  async foldLeftovers(): Promise<Snapshot | undefined> {
    const { loaded, hasJournal } = await this.#read();
    return loaded && hasJournal ? await this.fold(loaded) : loaded;
  }

  /** Makes the snapshot hold it all. When this fails the journal still stands and nothing is lost. */
  async fold(snapshot: Snapshot): Promise<Snapshot> {
    const folded = sealed(snapshot);
    await this.#do('write', this.#path, () => this.#disk.replace(this.#path, encodeSnapshot(folded)));
    await this.#do('remove', this.journalPath, () => this.#disk.remove(this.journalPath));
    return folded;
  }

  /**
   * Another state in place of `current`, which is folded first. The removal of a journal may not outlive a power
   * failure, and one that comes back must not meet a state it was not made for: an empty one takes its place.
   */
  async replace(current: Snapshot | undefined, next: Snapshot): Promise<Snapshot> {
    if (current) {
      const { lineage, serial } = (await this.fold(current)).state;
      const { text } = headerLine(lineage, serial);
      await this.#do('write', this.journalPath, () => this.#disk.replace(this.journalPath, text));
    }
    return await this.fold(next);
  }

  async create(target: Target, at: string): Promise<Snapshot> {
    if (await this.load())
      throw new Failure(
        'state',
        error('state-exists', `there is a state already`, {
          where: { file: this.#path },
          remedy: 'use it, or name another file with --state',
        }),
      );
    return await this.fold({ state: emptyState(this.#newId(), target, at), chain: [] });
  }

  /** A new journal behind the snapshot as it is; `sum` is what its first group builds on. */
  async beginJournal(lineage: string, base: number): Promise<{ journal: Appender; sum: string }> {
    const { text, sum } = headerLine(lineage, base);
    await this.#disk.replace(this.journalPath, text);
    return { journal: await this.#disk.append(this.journalPath), sum };
  }

  async #read(): Promise<{ loaded: Snapshot | undefined; hasJournal: boolean }> {
    const { journalPath } = this;
    const path = this.#path;
    const journal = await this.#do('read', journalPath, () => this.#disk.read(journalPath));
    const snapshot = await this.#do('read', path, () => this.#disk.read(path));
    return { loaded: recover({ path, snapshot, journalPath, journal }), hasJournal: journal !== undefined };
  }

  async #do<T>(verb: 'read' | 'write' | 'remove', path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw new Failure(
        'state',
        error(`state-not-${PARTICIPLE[verb]}`, `cannot ${verb} ${path}: ${systemReason(cause)}`, {
          where: { file: path },
          remedy:
            verb === 'read'
              ? 'it must be a file that you may read; run as the user it belongs to'
              : 'mend that (room on the disk, rights on its directory) and run the command again; nothing that was committed is lost',
        }),
        { cause },
      );
    }
  }
}

/** With a hash for every entry of the history. */
function sealed({ state, chain }: Snapshot): Snapshot {
  return { state, chain: extendChain(state, chain) };
}

const PARTICIPLE = { read: 'read', write: 'written', remove: 'removed' } as const;

interface Waiter {
  readonly changes: readonly Change[];
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

class LocalLease implements Lease {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #actor: Actor;
  readonly #held: HeldLock;
  #ledger: Ledger | undefined;
  #chain: Chain = [];
  #journal: { journal: Appender; sum: string } | undefined;
  #waiting: Waiter[] = [];
  #writing: Promise<void> | undefined;
  #released: Promise<void> | undefined;
  #poisoned: Error | undefined;

  constructor(store: Store, clock: Clock, actor: Actor, held: HeldLock, loaded: Snapshot | undefined) {
    this.#store = store;
    this.#clock = clock;
    this.#actor = actor;
    this.#held = held;
    if (loaded) this.#adopt(loaded);
  }

  get lock(): LockInfo {
    return this.#held.info;
  }

  get poisoned(): Error | undefined {
    return this.#poisoned;
  }

  state(): State | undefined {
    return this.#ledger?.state();
  }

  /** A local lock is taken from nobody who lives. */
  remainingMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  async create(target: Target): Promise<State> {
    this.#mustNotBeReleased();
    await this.#mustHold();
    const created = await this.#store.create(target, isoTime(this.#clock.now()));
    this.#adopt(created);
    return created.state;
  }

  async replace(next: Snapshot): Promise<void> {
    this.#mustNotBeReleased();
    while (this.#writing !== undefined) await this.#writing;
    if (this.#poisoned) throw this.#poisoned;
    const replaced = this.#replaceBy(next);
    this.#writing = replaced.catch(() => undefined).then(() => this.#writeGroups());
    await replaced;
  }

  commit(changes: readonly Change[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#mustNotBeReleased();
      if (this.#poisoned) throw this.#poisoned;
      this.#waiting.push({ changes, resolve, reject });
      this.#writing ??= this.#writeGroups();
    });
  }

  release(): Promise<void> {
    this.#released ??= this.#end();
    return this.#released;
  }

  async #replaceBy(next: Snapshot): Promise<void> {
    const state = this.#ledger?.state();
    if (state?.lineage === next.state.lineage && next.state.serial <= state.serial)
      throw new Error(`serial ${next.state.serial} in place of ${state.serial}: a serial is used once`);
    try {
      await this.#journal?.journal.close();
      this.#journal = undefined;
      await this.#mustHold();
      this.#adopt(await this.#store.replace(state && { state, chain: this.#chain }, next));
      await this.#mustHold();
    } catch (cause) {
      this.#poison(cause instanceof Error ? cause : new Error(String(cause)), []);
      throw cause;
    }
  }

  #adopt({ state, chain }: Snapshot): void {
    this.#ledger = new Ledger(state);
    this.#chain = chain;
  }

  #mustNotBeReleased(): void {
    if (this.#released !== undefined) throw new Error('the lease was released');
  }

  /** One group after the other, each what has gathered while the one before was written. */
  async #writeGroups(): Promise<void> {
    await Promise.resolve(); // what is committed in the same breath goes together
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#writeGroup(group);
        for (const { resolve } of group) resolve();
      } catch (cause) {
        this.#poison(cause instanceof Error ? cause : new Error(String(cause)), group);
      }
    }
    this.#writing = undefined;
  }

  async #writeGroup(group: readonly Waiter[]): Promise<void> {
    const ledger = this.#ledger;
    if (!ledger) throw new Error('a commit before there is a state');
    const at = isoTime(this.#clock.now());
    const commits = group.map(({ changes }) => {
      const commit = { serial: ledger.next, at, actor: this.#actor, changes };
      mustBeReadable(commit);
      ledger.stage(commit);
      return commit;
    });
    await this.#append(ledger.state(), commits);
    ledger.settle();
  }

  async #append({ lineage, serial }: State, commits: readonly Commit[]): Promise<void> {
    try {
      if (!this.#journal) {
        await this.#mustHold(); // a new journal replaces what is there
        this.#journal = await this.#store.beginJournal(lineage, serial);
      }
      const { text, sum } = groupLine(this.#journal.sum, commits);
      await this.#journal.journal.write(Buffer.from(text));
      await this.#journal.journal.sync();
      this.#journal = { ...this.#journal, sum };
    } catch (cause) {
      throw cause instanceof Failure ? cause : notWritten(this.#store.journalPath, cause);
    }
    // Still ours after the sync: so nobody has folded the journal before this was in it. A person who broke
    // the lock of a living process must not make it acknowledge what the next owner never saw.
    await this.#mustHold();
  }

  async #mustHold(): Promise<void> {
    if (!(await this.#held.stillHeld())) throw lockLost(this.#held.info);
  }

  /**
   * For good: after a failed write or sync nobody knows what the disk holds, and a second sync may report
   * success for pages that the first one lost. What waits fails, too: it was not even tried.
   */
  #poison(reason: Error, group: readonly Waiter[]): void {
    this.#poisoned = reason;
    const all = [...group, ...this.#waiting];
    this.#waiting = [];
    for (const { reject } of all) reject(reason);
  }

  async #end(): Promise<void> {
    await this.#writing;
    try {
      await this.#journal?.journal.close();
      const state = this.#ledger?.state();
      // poisoned: what the journal really holds is for the next owner to read
      if (this.#journal && state && !this.#poisoned) {
        await this.#mustHold();
        await this.#store.fold({ state, chain: this.#chain });
      }
    } finally {
      await this.#held.release();
    }
  }
}

/** What is written must be readable again; a value of the wrong kind is a bug, and is found before it is durable. */
function mustBeReadable(commit: Commit): void {
  const wrong = commitShape(commit);
  if (wrong)
    throw new Error(`a commit that could not be read: ${pathText(wrong.path)}: ${describeMisfit(wrong)}`);
}

function notWritten(journalPath: string, cause: unknown): Failure {
  return new Failure(
    'state',
    error('state-not-written', `cannot write ${journalPath}: ${systemReason(cause)}`, {
      where: { file: journalPath },
      detail: 'Nothing new is started. What was reported before is safe; what runs in the cloud goes on.',
      remedy:
        'mend that (room on the disk, rights), then run `vbsctl apply` again: it looks in the cloud first',
    }),
    { cause },
  );
}

function lockLost({ id }: LockInfo): Failure {
  return new Failure(
    'state',
    error('lock-lost', `the lock ${id} of this run was removed by somebody`, {
      detail: 'Nothing new is started. What runs in the cloud goes on.',
      remedy: 'see who works on the state now, then run `vbsctl apply` again: it looks in the cloud first',
    }),
  );
}
