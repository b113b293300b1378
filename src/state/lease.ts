import { isoTime } from '../domain/clock.ts';
import type { CloudProject } from '../domain/cloud-project.ts';
import { Failure } from '../domain/errors.ts';
import { issueText } from '../domain/shape.ts';
import {
  type Actor,
  type Change,
  type Commit,
  emptyState,
  MutableState,
  SERIAL_MAX,
  type Staged,
  type State,
} from '../domain/state.ts';
import type { BackendContext, Lease, OwnLock } from './backend.ts';
import type { Snapshot } from './codec.ts';
import { type Chain, extendChain } from './history-chain.ts';
import { commit as commitShape } from './record-shape.ts';

/** What differs between the backends: how a state is stored while this process holds its lock. */
export interface LeaseStorage {
  readonly lock: OwnLock;
  /**
   * Stores all commits of the group or none; resolves once they are durable. Not called again after it rejected. Rejects
   * if the lock is not held any more, so that no commit is acknowledged that the next holder does not see.
   */
  append(group: Group): Promise<void>;
  /** Stores a whole state in place of `current`, the stored state as the lease knows it. Otherwise as `append`. */
  replace(next: Snapshot, current: State | undefined): Promise<void>;
  /** Called once, at the end. `last`: the stored state; undefined if there is none or if it is not known for sure. */
  release(last: State | undefined): Promise<void>;
}

/** The commits of one write. */
export interface Group {
  readonly before: State;
  readonly commits: readonly Commit[];
  /** What they change in `before`. */
  readonly staged: Staged;
}

interface LeaseOptions extends Pick<BackendContext, 'clock' | 'newId' | 'location'> {
  readonly storage: LeaseStorage;
  readonly found: Snapshot | undefined;
  readonly actor: Actor;
}

type PendingWrite = (
  | { readonly kind: 'commit'; readonly changes: readonly Change[] }
  | { readonly kind: 'replace'; readonly snapshot: Snapshot }
) & {
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
};

/** The lease of every backend. Commits that arrive during a write are written together by the next one. */
export class StateLease implements Lease {
  readonly #options: LeaseOptions;
  readonly #storage: LeaseStorage;
  #stored: MutableState | undefined;
  /** The hashes of the state as it was found or replaced; entries that were committed since have none yet. */
  #chain: Chain;
  #waiting: PendingWrite[] = [];
  #writing: Promise<void> | undefined;
  #released: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#storage = options.storage;
    this.#chain = options.found?.chain ?? [];
    if (options.found) this.#stored = new MutableState(options.found.state);
  }

  get lock(): OwnLock {
    return this.#storage.lock;
  }

  get failure(): Error | undefined {
    return this.#failure ?? this.#storage.lock.lost;
  }

  state(): State | undefined {
    return this.#stored?.state();
  }

  snapshot(): Snapshot | undefined {
    const state = this.state();
    return state && { state, chain: extendChain(state, this.#chain) };
  }

  async create(target: CloudProject): Promise<State> {
    const { clock, location, newId } = this.#options;
    if (this.#stored) throw exists(location);
    // Its creation is the first change. As in Terraform, no stored state has serial 0: Gitea takes it for a missing one.
    const state = { ...emptyState(newId(), target, isoTime(clock.now())), serial: 1 };
    await this.replace({ state, chain: [] });
    return state;
  }

  replace(snapshot: Snapshot): Promise<void> {
    return new Promise((resolve, reject) => this.#enqueue({ kind: 'replace', snapshot, resolve, reject }));
  }

  commit(changes: readonly Change[]): Promise<void> {
    return new Promise((resolve, reject) => this.#enqueue({ kind: 'commit', changes, resolve, reject }));
  }

  release(): Promise<void> {
    this.#released ??= this.#end();
    return this.#released;
  }

  #enqueue(write: PendingWrite): void {
    if (this.#released !== undefined) throw new Error('the lease was released');
    if (this.#failure) throw this.#failure;
    this.#waiting.push(write);
    this.#writing ??= this.#write();
  }

  /** Writes until nothing waits; each write has the commits that arrived during the one before. */
  async #write(): Promise<void> {
    await Promise.resolve(); // commits of the same synchronous step are written together
    for (let writes = this.#take(); writes.length > 0; writes = this.#take()) {
      try {
        const [first] = writes;
        if (first?.kind === 'replace') await this.#replaceBy(first.snapshot);
        else await this.#writeGroup(writes.flatMap((each) => (each.kind === 'commit' ? [each.changes] : [])));
        for (const { resolve } of writes) resolve();
      } catch (cause) {
        this.#fail(cause instanceof Error ? cause : new Error(String(cause)), writes);
      }
    }
    this.#writing = undefined;
  }

  /** The next commits up to a replacement, or a single replacement. */
  #take(): readonly PendingWrite[] {
    const end = this.#waiting.findIndex(({ kind }) => kind === 'replace');
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : Math.max(end, 1));
  }

  async #replaceBy(next: Snapshot): Promise<void> {
    const current = this.#stored?.state();
    if (current?.lineage === next.state.lineage && next.state.serial <= current.serial)
      throw new Error(`serial ${next.state.serial} in place of ${current.serial}: a serial is used once`);
    if (next.state.serial > SERIAL_MAX) throw serialsUsedUp(this.#options.location);
    await this.#storage.replace(next, current);
    this.#chain = next.chain;
    this.#stored = new MutableState(next.state);
  }

  async #writeGroup(group: readonly (readonly Change[])[]): Promise<void> {
    const { actor, clock, location } = this.#options;
    const stored = this.#stored;
    if (!stored) throw new Error('a commit without a state');
    if (stored.next + group.length > SERIAL_MAX) throw serialsUsedUp(location);
    const at = isoTime(clock.now());
    const commits = group.map((changes) => {
      const commit = { serial: stored.next, at, actor, changes };
      assertReadable(commit);
      stored.stage(commit);
      return commit;
    });
    await this.#storage.append({ before: stored.state(), commits, staged: stored.staged() });
    stored.applyStaged();
  }

  /**
   * Final: after a failed write or sync it is not known what is stored, and a second one may report success for what the
   * first one lost. What still waits is rejected without an attempt.
   */
  #fail(reason: Error, writes: readonly PendingWrite[]): void {
    // Rule: failed-write-rejects-all-later-commits
    this.#failure = reason;
    const all = [...writes, ...this.#waiting];
    this.#waiting = [];
    for (const { reject } of all) reject(reason);
  }

  async #end(): Promise<void> {
    await this.#writing;
    await this.#storage.release(this.failure ? undefined : this.state());
  }
}

/** Finds values of a wrong type, which are bugs, before they are stored and could not be read again. */
function assertReadable(commit: Commit): void {
  const wrong = commitShape(commit);
  if (wrong) throw new Error(`a commit that could not be read again: ${issueText(wrong)}`);
}

function serialsUsedUp(location: string): Failure {
  return Failure.of(
    'state',
    'state-serial-maximum',
    `the serial of the state is at its maximum, ${SERIAL_MAX}`,
    {
      detail: 'No number of commits leads to it: something other than vbsctl wrote it.',
      where: { file: location },
      remedy:
        'save it (vbsctl state pull > FILE), correct the serial in FILE, move this state away, and put FILE back: vbsctl state push FILE',
    },
  );
}

function exists(location: string): Failure {
  return Failure.of('state', 'state-exists', 'the state already exists', {
    where: { file: location },
    remedy: 'use it, or name another location with --state',
  });
}
