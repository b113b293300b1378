import { Failure } from '../domain/errors.ts';
import type { State } from '../domain/state.ts';
import type { Backend, Lease } from './backend.ts';
import type { Snapshot } from './codec.ts';
import { advanceEnd, type ChainEnd, endOf } from './history-chain.ts';

/** The backend, whose leases all pass through `onLease` before they are handed out. If it fails, the lease is released. */
export function mapLease(backend: Backend, onLease: (lease: Lease) => Lease | Promise<Lease>): Backend {
  return {
    ...backend,
    async lock(actor, waitMs, signal) {
      const lease = await backend.lock(actor, waitMs, signal);
      try {
        return await onLease(lease);
      } catch (cause) {
        await lease.release();
        throw cause;
      }
    },
  };
}

/** The backend, which calls `check` with each state before it is used. If the check fails, nothing is read or locked. */
export function guardedBackend(
  backend: Backend,
  check: (snapshot: Snapshot) => void | Promise<void>,
): Backend {
  const snapshot = async () => {
    const found = await backend.snapshot();
    if (found) await check(found);
    return found;
  };
  return {
    ...mapLease(backend, async (lease) => {
      const found = lease.snapshot();
      if (found) await check(found);
      return lease;
    }),
    read: async () => (await snapshot())?.state,
    snapshot,
  };
}

/** The backend, which calls `onWait` with the refusal before it waits for the lock of another run. */
export function announcingWait(
  backend: Backend,
  onWait: (refusal: Failure, waitMs: number) => void,
): Backend {
  return {
    ...backend,
    async lock(actor, waitMs, signal) {
      if (waitMs === 0) return await backend.lock(actor, 0, signal);
      try {
        return await backend.lock(actor, 0, signal);
      } catch (cause) {
        if (!(cause instanceof Failure) || cause.kind !== 'locked') throw cause;
        onWait(cause, waitMs);
        return await backend.lock(actor, waitMs, signal);
      }
    },
  };
}

interface StateChecks {
  /** Called with each state before it is used; undefined: there is none. A rejection ends the command. */
  check(snapshot: Snapshot | undefined): Promise<void>;
  /** Called with each state that was read, and with the stored state after a lease was released. */
  seen(snapshot: Snapshot): Promise<void>;
  /** Called from time to time with what a lease has committed, and the end of its history. The run does not wait for it. */
  committed(state: State, end: ChainEnd | undefined): Promise<void>;
}

/** The backend, which checks each state that is read or locked. `snapshot` returns it unchecked. */
export function checkedBackend(backend: Backend, checks: StateChecks): Backend {
  return {
    ...mapLease(backend, async (lease) => {
      await checks.check(lease.snapshot());
      return reportingLease(lease, checks);
    }),
    async read() {
      let snapshot = await backend.snapshot();
      try {
        await checks.check(snapshot);
      } catch {
        // Another run may have stored and reported a newer state between the read and the check, so both are repeated once.
        snapshot = await backend.snapshot();
        await checks.check(snapshot);
      }
      if (snapshot) await checks.seen(snapshot);
      return snapshot?.state;
    },
  };
}

function reportingLease(lease: Lease, checks: StateChecks): Lease {
  let isBehind = false;
  let end = endOf(lease.snapshot()?.chain ?? []);
  let reporting: Promise<void> | undefined;
  /** One report at a time: commits may come faster than they can be reported. */
  const report = async () => {
    while (isBehind) {
      isBehind = false;
      const state = lease.state();
      if (!state) continue;
      end = advanceEnd(state, end);
      await checks.committed(state, end);
    }
    reporting = undefined;
  };
  return {
    lock: lease.lock,
    get failure() {
      return lease.failure;
    },
    state: () => lease.state(),
    snapshot: () => lease.snapshot(),
    create: (target) => lease.create(target),
    async replace(snapshot) {
      await lease.replace(snapshot);
      end = endOf(snapshot.chain);
    },
    async commit(changes) {
      await lease.commit(changes);
      isBehind = true;
      reporting ??= report();
    },
    async release() {
      await lease.release();
      await reporting;
      const stored = lease.failure ? undefined : lease.snapshot();
      if (stored) await checks.seen(stored);
    },
  };
}

/** How long after a stop a lock that was requested before may still be granted. It is released then. */
const LOCK_GRACE_MS = 5_000;

/** The backend, which a stop keeps from waiting for a server that answers slowly or never. */
export function stoppableBackend(backend: Backend, stop: AbortSignal): Backend {
  return {
    ...backend,
    read: () => untilStopped(backend.read(), stop, 0),
    snapshot: () => untilStopped(backend.snapshot(), stop, 0),
    holder: () => untilStopped(backend.holder(), stop, 0),
    unlock: (id) => untilStopped(backend.unlock(id), stop, 0),
    lock: (actor, waitMs, signal) => untilStopped(backend.lock(actor, waitMs, signal), stop, LOCK_GRACE_MS),
  };
}

function untilStopped<T>(work: Promise<T>, stop: AbortSignal, graceMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const giveUp = () => {
      timer = setTimeout(() => reject(stop.reason), graceMs);
    };
    const settled = () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', giveUp);
    };
    if (stop.aborted) giveUp();
    else stop.addEventListener('abort', giveUp, { once: true });
    // A failure after a stop may come from the stop itself, so the reason of the stop is given instead.
    work.finally(settled).then(resolve, (cause: unknown) => reject(stop.aborted ? stop.reason : cause));
  });
}
