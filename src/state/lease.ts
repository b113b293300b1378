import { type Clock, isoTime } from '../domain/clock.ts';
import type { CloudProject } from '../domain/cloud-project.ts';
import { Failure } from '../domain/errors.ts';
import { describeMisfit, pathText } from '../domain/shape.ts';
import {
  type Actor,
  type Change,
  type Commit,
  emptyState,
  Ledger,
  SERIAL_MAX,
  type Staged,
  type State,
} from '../domain/state.ts';
import type { Lease, LockInfo } from './backend.ts';
import type { Snapshot } from './codec.ts';
import { type Chain, extendChain } from './history-chain.ts';
import { commit as commitShape } from './record-shape.ts';

/** A place for a state while this process holds its lock: all that differs between the leases of the backends. */
export interface LockedStore {
  readonly lock: LockInfo;
  /**
   * Durable once it resolves, all of it or nothing. Never called again after it rejected. It rejects when the
   * lock is not held any more, so that nothing is acknowledged that the next owner never saw.
   */
  append(group: Group): Promise<void>;
  /** The whole state in place of `current`, which is what the lease knows to be there. As `append`. */
  replace(next: Snapshot, current: State | undefined): Promise<void>;
  /** Why the lock is known to be lost although nothing was written since. */
  readonly lost: Error | undefined;
  remainingMs(): number;
  readonly ttlMs: number;
  /** Called once, at the end. `last` is what is stored; undefined when that is not known for sure, or nothing is. */
  release(last: State | undefined): Promise<void>;
}

/** What one write carries. */
export interface Group {
  readonly before: State;
  readonly commits: readonly Commit[];
  /** What they change in `before`. */
  readonly staged: Staged;
}

export interface LeaseOptions {
  readonly store: LockedStore;
  readonly found: Snapshot | undefined;
  readonly actor: Actor;
  readonly clock: Clock;
  /** A fresh UUID: the lineage of a state that is created. */
  readonly newId: () => string;
  /** For messages. */
  readonly location: string;
}

type Task = (
  | { readonly kind: 'commit'; readonly changes: readonly Change[] }
  | { readonly kind: 'replace'; readonly snapshot: Snapshot }
) & {
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
};
type CommitTask = Task & { readonly kind: 'commit' };

/**
 * The lease of every backend: what is asked while a write is under way waits, and the commits of it go together
 * with the next one. The first failure is final.
 */
export class StoredLease implements Lease {
  readonly #options: LeaseOptions;
  readonly #store: LockedStore;
  #ledger: Ledger | undefined;
  /** As found or put in place; entries that were committed since have no hash in it yet. */
  #chain: Chain;
  #waiting: Task[] = [];
  #writing: Promise<void> | undefined;
  #released: Promise<void> | undefined;
  #poisoned: Error | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#chain = options.found?.chain ?? [];
    if (options.found) this.#ledger = new Ledger(options.found.state);
  }

  get lock(): LockInfo {
    return this.#store.lock;
  }

  get poisoned(): Error | undefined {
    return this.#poisoned ?? this.#store.lost;
  }

  state(): State | undefined {
    return this.#ledger?.state();
  }

  snapshot(): Snapshot | undefined {
    const state = this.state();
    return state && { state, chain: extendChain(state, this.#chain) };
  }

  remainingMs(): number {
    return this.#store.remainingMs();
  }

  get ttlMs(): number {
    return this.#store.ttlMs;
  }

  async create(target: CloudProject): Promise<State> {
    const { clock, location, newId } = this.#options;
    if (this.#ledger) throw exists(location);
    const state = emptyState(newId(), target, isoTime(clock.now()));
    await this.replace({ state, chain: [] });
    return state;
  }

  replace(snapshot: Snapshot): Promise<void> {
    return new Promise((resolve, reject) => this.#ask({ kind: 'replace', snapshot, resolve, reject }));
  }

  commit(changes: readonly Change[]): Promise<void> {
    return new Promise((resolve, reject) => this.#ask({ kind: 'commit', changes, resolve, reject }));
  }

  release(): Promise<void> {
    this.#released ??= this.#end();
    return this.#released;
  }

  #ask(task: Task): void {
    if (this.#released !== undefined) throw new Error('the lease was released');
    if (this.#poisoned) throw this.#poisoned;
    this.#waiting.push(task);
    this.#writing ??= this.#write();
  }

  /** One write after the other, each what has gathered while the one before was under way. */
  async #write(): Promise<void> {
    await Promise.resolve(); // what is committed in the same breath goes together
    for (let tasks = this.#take(); tasks.length > 0; tasks = this.#take()) {
      try {
        await this.#perform(tasks);
        for (const { resolve } of tasks) resolve();
      } catch (cause) {
        this.#poison(cause instanceof Error ? cause : new Error(String(cause)), tasks);
      }
    }
    this.#writing = undefined;
  }

  /** The commits in front, or a single replacement. */
  #take(): readonly Task[] {
    const end = this.#waiting.findIndex(({ kind }) => kind === 'replace');
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : Math.max(end, 1));
  }

  async #perform(tasks: readonly Task[]): Promise<void> {
    const [first] = tasks;
    if (first?.kind === 'replace') await this.#replaceBy(first.snapshot);
    else await this.#writeGroup(tasks as readonly CommitTask[]);
  }

  async #replaceBy(next: Snapshot): Promise<void> {
    const current = this.#ledger?.state();
    if (current?.lineage === next.state.lineage && next.state.serial <= current.serial)
      throw new Error(`serial ${next.state.serial} in place of ${current.serial}: a serial is used once`);
    if (next.state.serial > SERIAL_MAX) throw serialsUsedUp(this.#options.location);
    await this.#store.replace(next, current);
    this.#chain = next.chain;
    this.#ledger = new Ledger(next.state);
  }

  async #writeGroup(group: readonly CommitTask[]): Promise<void> {
    const { actor, clock, location } = this.#options;
    const ledger = this.#ledger;
    if (!ledger) throw new Error('a commit before there is a state');
    if (ledger.next + group.length > SERIAL_MAX) throw serialsUsedUp(location);
    const at = isoTime(clock.now());
    const commits = group.map(({ changes }) => {
      const commit = { serial: ledger.next, at, actor, changes };
      mustBeReadable(commit);
      ledger.stage(commit);
      return commit;
    });
    await this.#store.append({ before: ledger.state(), commits, staged: ledger.staged() });
    ledger.applyStaged();
  }

  /**
   * For good: after a failed write or sync nobody knows what is stored, and a second one may report success
   * for what the first one lost. What waits fails, too: it was not even tried.
   */
  #poison(reason: Error, tasks: readonly Task[]): void {
    // Rule: failed-write-poisons-the-lease
    this.#poisoned = reason;
    const all = [...tasks, ...this.#waiting];
    this.#waiting = [];
    for (const { reject } of all) reject(reason);
  }

  async #end(): Promise<void> {
    await this.#writing;
    await this.#store.release(this.poisoned ? undefined : this.state());
  }
}

/** What is written must be readable again; a value of the wrong kind is a bug, and is found before it is durable. */
function mustBeReadable(commit: Commit): void {
  const wrong = commitShape(commit);
  if (wrong)
    throw new Error(`a commit that could not be read: ${pathText(wrong.path)}: ${describeMisfit(wrong)}`);
}

function serialsUsedUp(location: string): Failure {
  return Failure.of('state', 'state-serial', `the serial of the state is at its maximum, ${SERIAL_MAX}`, {
    detail: 'No number of commits leads there: something else than vbsctl wrote it.',
    where: { file: location },
    remedy:
      'take it out (vbsctl state pull > FILE), correct the serial in FILE, move the state here away, and put it back: vbsctl state push FILE',
  });
}

function exists(location: string): Failure {
  return Failure.of('state', 'state-exists', 'the state already exists', {
    where: { file: location },
    remedy: 'use it, or name another location with --state',
  });
}
