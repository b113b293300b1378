import type { State } from '../domain/state.ts';
import type { Backend, Lease } from './backend.ts';
import type { Snapshot } from './codec.ts';

/** What a checked backend asks and tells. Each is awaited. */
export interface StateChecks {
  /** Sees the state before anybody relies on it; undefined: there is none. What it throws ends the command. */
  check(snapshot: Snapshot | undefined): Promise<void>;
  /** Told what was read, or what is stored when a lease ends well. */
  seen(snapshot: Snapshot): Promise<void>;
  /** Told now and then of what a lease has made durable; the run goes on meanwhile. */
  advanced(state: State): Promise<void>;
}

/** The backend, of which every state that is read or locked is checked first; a lease on one that is refused is given back. */
export function checkedBackend(backend: Backend, checks: StateChecks): Backend {
  const checked = async (snapshot: Snapshot | undefined) => {
    await checks.check(snapshot);
    return snapshot;
  };
  return {
    location: backend.location,
    place: backend.place,
    async read() {
      const first = await backend.snapshot();
      // Read without the lock, it may have been overtaken by what another run has seen since: then it is read again.
      const snapshot = await checked(first).catch(async () => await checked(await backend.snapshot()));
      if (snapshot) await checks.seen(snapshot);
      return snapshot?.state;
    },
    snapshot: () => backend.snapshot(),
    holder: () => backend.holder(),
    unlock: (id) => backend.unlock(id),
    async lock(actor, waitMs, signal) {
      const lease = await backend.lock(actor, waitMs, signal);
      try {
        await checked(lease.snapshot());
      } catch (cause) {
        await lease.release();
        throw cause;
      }
      return telling(lease, checks);
    },
  };
}

function telling(lease: Lease, checks: StateChecks): Lease {
  let isBehind = false;
  let advancing: Promise<void> | undefined;
  /** One at a time: commits may come faster than they can be told. */
  const advance = async () => {
    while (isBehind) {
      isBehind = false;
      const state = lease.state();
      if (state) await checks.advanced(state);
    }
    advancing = undefined;
  };
  return {
    get lock() {
      return lease.lock;
    },
    get poisoned() {
      return lease.poisoned;
    },
    get ttlMs() {
      return lease.ttlMs;
    },
    state: () => lease.state(),
    snapshot: () => lease.snapshot(),
    create: (target) => lease.create(target),
    replace: (snapshot) => lease.replace(snapshot),
    async commit(changes) {
      await lease.commit(changes);
      isBehind = true;
      advancing ??= advance();
    },
    remainingMs: () => lease.remainingMs(),
    async release() {
      await lease.release();
      await advancing;
      const stored = lease.poisoned ? undefined : lease.snapshot();
      if (stored) await checks.seen(stored);
    },
  };
}
