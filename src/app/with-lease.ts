import type { Backend, Lease } from '../state/backend.ts';
import type { LockRequest } from './ports.ts';

/** Holds the lock while it works, and releases it however the work ends. */
export async function withLease<T>(
  store: Backend,
  { actor, lockTimeoutMs }: LockRequest,
  stop: AbortSignal,
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  const lease = await store.lock(actor, lockTimeoutMs, stop);
  try {
    return await work(lease);
  } finally {
    await lease.release();
  }
}
