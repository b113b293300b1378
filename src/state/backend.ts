import type { CloudProject } from '../domain/cloud-project.ts';
import type { LockHolder } from '../domain/lock-holder.ts';
import type { Actor, Change, State } from '../domain/state.ts';
import type { Snapshot } from './codec.ts';

/**
 * Where a state is kept. Every backend passes the same contract suite (`test/state/backend-contract.ts`).
 * Errors are `Failure`s: kind `locked` when somebody else holds the lock, `state` for everything that is
 * wrong with what is stored or with storing it.
 */
export interface Backend {
  /** Where the state is, as it is shown. Contains no secret (`shownLocation`). */
  readonly location: string;
  /** Identifies the state on this machine: a real path or a URL. May contain a secret, so it is never shown. */
  readonly id: string;
  /** A consistent state without a lock; undefined when there is none. */
  read(): Promise<State | undefined>;
  /**
   * As `read`, with the hashes of the history as they are stored: nothing that was stored is hashed again, so
   * that a break of the chain shows in it. Every entry has its hash.
   */
  snapshot(): Promise<Snapshot | undefined>;
  /**
   * Exclusive until released. Waits up to `waitMs` for a holder to go, and no longer than until `signal` is
   * aborted: then it rejects with the signal's reason and holds nothing. What becomes of the lock of a process
   * that died or froze depends on the backend (docs/state.md); none is ever shared.
   */
  lock(actor: Actor, waitMs: number, signal?: AbortSignal): Promise<Lease>;
  /** Who holds the lock, if anybody. */
  holder(): Promise<LockHolder | undefined>;
  /** Removes the lock with this id, whoever holds it; a person's decision. */
  unlock(id: string): Promise<LockHolder>;
}

/** The right to change a state. */
export interface Lease {
  readonly lock: LockInfo;
  /**
   * The state as of now, every durable commit of this lease included; undefined when there is none. Costs
   * nothing: its records and history are the lease's own and grow with later commits.
   */
  state(): State | undefined;
  /** As `state`, with a hash for each entry of the history. Linear in the entries. */
  snapshot(): Snapshot | undefined;
  /** Makes the empty ledger. Refuses (`state`) when there is one. */
  create(target: CloudProject): Promise<State>;
  /**
   * Puts a whole state in place of what is there, also where there is none; resolves once durable. Until then,
   * and when it fails, the old one stands, whole. Hashes that the chain has are kept as they are, broken or not.
   * A failure poisons the lease as one of `commit` does. In place of a state of the same lineage its serial must
   * be higher, so that a serial never means two states (saved plans are held against it); else a plain Error.
   */
  replace(snapshot: Snapshot): Promise<void>;
  /**
   * Resolves once durable. Commits made while one is being written go together with the next. A failed write
   * poisons the lease: this and every later commit rejects, and `poisoned` is set.
   */
  commit(changes: readonly Change[]): Promise<void>;
  /** Why nothing can be committed any more. Check before any POST. */
  readonly poisoned: Error | undefined;
  /**
   * How long the lock is surely held, ms; Infinity where only a person can take it away, 0 once one has. Asked in
   * the very moment before a request leaves: a process that was stopped meanwhile must not send it.
   */
  remainingMs(): number;
  /** How long it lasts from a renewal on, ms; Infinity where only a person can take the lock away. */
  readonly ttlMs: number;
  /** Folds what is to be folded and frees the lock. Safe to call twice. */
  release(): Promise<void>;
}

/** A lock of our own. */
export interface LockInfo extends Required<Omit<LockHolder, 'lease'>> {}
