import { hostname } from 'node:os';
import { type Clock, isoTime } from '../domain/clock.ts';
import type { LockHolder } from '../domain/lock-holder.ts';
import type { LockInfo } from './backend.ts';

/** Exclusion between the processes that share a state. */
export interface Lock<H = HeldLock> {
  /**
   * Waits up to `waitMs` for the holder to go, then `Failure` kind `locked`. Rejects with the signal's reason
   * while it waits, and holds nothing then.
   */
  acquire(wish: LockWish, waitMs: number, signal?: AbortSignal): Promise<H>;
  holder(): Promise<LockHolder | undefined>;
  /** Removes the lock with this id, whoever holds it. */
  unlock(id: string): Promise<LockHolder>;
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

/** The lock of this process. */
export function ownLock({ who, operation, version }: LockWish, clock: Clock, newId: () => string): LockInfo {
  const since = isoTime(clock.now());
  return { id: newId(), who, host: hostname(), pid: process.pid, operation, since, version };
}

const POLL_MS_MIN = 250;
const POLL_MS_MAX = 2_000;

/** Asks again until it is `mine`; after `waitMs` throws what the last refusal says. */
export async function waitForLock<T>(
  clock: Clock,
  waitMs: number,
  signal: AbortSignal | undefined,
  attempt: () => Promise<{ readonly mine: T } | { readonly refused: () => Error }>,
): Promise<T> {
  const deadline = clock.monotonic() + waitMs;
  for (let pause = POLL_MS_MIN; ; pause = Math.min(pause * 2, POLL_MS_MAX)) {
    signal?.throwIfAborted();
    const outcome = await attempt();
    if ('mine' in outcome) return outcome.mine;
    const left = deadline - clock.monotonic();
    if (left <= 0) throw outcome.refused();
    await clock.sleep(Math.min(pause, left), signal);
  }
}
