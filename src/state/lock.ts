import { hostname } from 'node:os';
import { type Clock, isoTime } from '../domain/clock.ts';
import type { LockHolder } from '../domain/lock-holder.ts';
import type { Actor } from '../domain/state.ts';
import type { LockInfo, OwnLock } from './backend.ts';

/** Excludes other processes from a state. */
export interface Lock<H = HeldLock> {
  /**
   * Waits up to `waitMs` for the lock, then rejects with a `Failure` of kind `locked`. If the signal is aborted, rejects
   * with its reason and holds nothing.
   */
  acquire(actor: Actor, waitMs: number, signal?: AbortSignal): Promise<H>;
  holder(): Promise<LockHolder | undefined>;
  /** Removes the lock with this id, whoever holds it. */
  unlock(id: string): Promise<LockHolder>;
}

export interface HeldLock {
  readonly info: LockInfo;
  /** False after somebody removed it (`vbsctl unlock`). Synchronous, so that nothing happens between it and a request. */
  stillHeld(): boolean;
  /** Does nothing if the lock is not ours any more. */
  release(): Promise<void>;
}

/** A lock that does not end until a user removes it. */
export function withoutEnd(info: LockInfo): OwnLock {
  return {
    info,
    lost: undefined,
    remainingMs: () => Number.POSITIVE_INFINITY,
    ttlMs: Number.POSITIVE_INFINITY,
  };
}

/** A new lock of this process. */
export function newLockInfo({ who, operation, version }: Actor, clock: Clock, newId: () => string): LockInfo {
  const since = isoTime(clock.now());
  return { id: newId(), who, host: hostname(), pid: process.pid, operation, since, version };
}

export const POLL_MS_MIN = 250;

/**
 * Calls `attempt` until it acquires the lock. After `waitMs` throws the error of the last refusal. The pause between two
 * attempts doubles up to `pollMsMax` (default 2 s).
 */
export async function waitForLock<T>(
  clock: Clock,
  waitMs: number,
  signal: AbortSignal | undefined,
  attempt: () => Promise<{ readonly acquired: T } | { readonly refused: () => Error }>,
  pollMsMax = 2_000,
): Promise<T> {
  const deadline = clock.monotonic() + waitMs;
  for (let pause = POLL_MS_MIN; ; pause = Math.min(pause * 2, pollMsMax)) {
    signal?.throwIfAborted();
    const outcome = await attempt();
    if ('acquired' in outcome) return outcome.acquired;
    const left = deadline - clock.monotonic();
    if (left <= 0) throw outcome.refused();
    await clock.sleep(Math.min(pause, left), signal);
  }
}
