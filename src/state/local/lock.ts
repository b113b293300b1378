import type { LockInfo } from '../backend.ts';

/** Exclusion between the processes that share a state. */
export interface Lock {
  /**
   * Waits up to `waitMs` for the holder to go, then `Failure` kind `locked`. Rejects with the signal's reason
   * while it waits, and holds nothing then.
   */
  acquire(wish: LockWish, waitMs: number, signal?: AbortSignal): Promise<HeldLock>;
  holder(): Promise<LockInfo | undefined>;
  /** Removes the lock with this id, whoever holds it. */
  unlock(id: string): Promise<LockInfo>;
}

/** Who wants it and what for; the rest of a `LockInfo` the lock knows itself. */
export type LockWish = Pick<LockInfo, 'who' | 'operation' | 'version'>;

export interface HeldLock {
  readonly info: LockInfo;
  /** False once somebody has removed it (`vbsctl unlock`). At once, so that nothing comes between it and a request. */
  stillHeld(): boolean;
  /** Nothing happens when it is not ours any more. */
  release(): Promise<void>;
}
