import type { Clock } from '../domain/clock.ts';
import type { CloudProject } from '../domain/cloud-project.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import type { LockHolder } from '../domain/lock-holder.ts';
import type { Secrets } from '../domain/secrets.ts';
import type { Actor, Change, State } from '../domain/state.ts';
import type { Snapshot } from './codec.ts';

/** What every backend is given. */
export interface BackendContext {
  /** `Backend.location`. */
  readonly location: string;
  /** `Backend.id`; default: the location. */
  readonly id?: string;
  readonly clock: Clock;
  /** Returns a new UUID. */
  readonly newId: () => string;
  /** How long after its request a restore may begin (`retry.settle`), ms: no lease is taken over before. */
  readonly settleMs: number;
  /** Receives the secrets of the connection. They are removed from everything that the server sends. */
  readonly secrets?: Secrets | undefined;
  /** Called with warnings: the reason why the renewal of a lock failed, and settings that weaken the connection. */
  readonly onNote?: ((note: Diagnostic) => void) | undefined;
}

/**
 * Stores a state. Every backend passes the same contract suite (`test/state/backend-contract.ts`). Errors are `Failure`s
 * of kind `locked` if another client has the lock, and `state` if the state or its storage is not usable.
 */
export interface Backend {
  /** Where the state is, as it is shown. Contains no secret (`shownLocation`). */
  readonly location: string;
  /** Identifies the state on this machine: a real path or a URL. May contain a secret, so it is never shown. */
  readonly id: string;
  /** How long a lock lasts without renewal, ms, if the location says so; a store that cannot end locks ignores it. */
  readonly leaseTtlMs?: number;
  /** Reads a consistent state without a lock; undefined if there is none. */
  read(): Promise<State | undefined>;
  /** As `read`, with the hash of each history entry as it is stored: hashes are not computed again, so breaks show. */
  snapshot(): Promise<Snapshot | undefined>;
  /**
   * Takes the lock, which is exclusive until it is released. Waits up to `waitMs` for another holder. If `signal` is
   * aborted, rejects with its reason and holds nothing. Whether the lock of a dead or frozen process is taken over
   * depends on the backend (docs/state.md); a lock is never shared.
   */
  lock(actor: Actor, waitMs: number, signal?: AbortSignal): Promise<Lease>;
  /** The holder of the lock; undefined if there is none. */
  holder(): Promise<LockHolder | undefined>;
  /** Removes the lock with this id, even if another process holds it. Only a user decides this. */
  unlock(id: string): Promise<LockHolder>;
}

/** The right to change a state. */
export interface Lease {
  readonly lock: OwnLock;
  /**
   * The state with every durable commit of this lease; undefined if there is none. Free of cost: records and history are
   * those of the lease itself and grow with later commits.
   */
  state(): State | undefined;
  /** As `state`, with the hash of each history entry. Linear in the entries. */
  snapshot(): Snapshot | undefined;
  /** Creates an empty state. Rejects with a `Failure` (`state`) if there is one. */
  create(target: CloudProject): Promise<State>;
  /**
   * Stores a whole state, which replaces the present one if there is one; resolves once it is durable. Until then, and if
   * it fails, the present state stays complete. Existing hashes of the chain are kept, even if they are wrong. A failure
   * is final, as with `commit`. If the lineage is the same, the serial must be higher, so that a serial never means two
   * states (saved plans compare it); otherwise rejects with a plain Error.
   */
  replace(snapshot: Snapshot): Promise<void>;
  /**
   * Resolves once the changes are durable. Commits that arrive during a write are written together by the next one. A
   * failed write is final: this and every later commit rejects, and `failure` is set.
   */
  commit(changes: readonly Change[]): Promise<void>;
  /** Why nothing can be committed any more. Must be checked before each POST. */
  readonly failure: Error | undefined;
  /** Completes the stored state and releases the lock. May be called twice. */
  release(): Promise<void>;
}

/** A lock of this process, and how long it is valid. */
export interface OwnLock {
  readonly info: LockInfo;
  /** Why the lock is known to be lost. */
  readonly lost: Error | undefined;
  /**
   * How long the lock is certainly held, ms; Infinity if only a user can remove it, 0 after that. Must be checked right
   * before a request is sent, because the process may have been frozen.
   */
  remainingMs(): number;
  /** How long the lock lasts after a renewal, ms; Infinity if only a user can remove it. */
  readonly ttlMs: number;
}

export interface LockInfo extends Required<Omit<LockHolder, 'lease'>> {}
