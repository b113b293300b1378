import type { Backend, Lease } from './backend.ts';

/** The backend, whose every lease `look` sees first; one that it throws at is given back. */
export function whenLocked(backend: Backend, look: (lease: Lease) => void): Backend {
  return {
    location: backend.location,
    place: backend.place,
    read: () => backend.read(),
    snapshot: () => backend.snapshot(),
    holder: () => backend.holder(),
    unlock: (id) => backend.unlock(id),
    async lock(actor, waitMs, signal) {
      const lease = await backend.lock(actor, waitMs, signal);
      try {
        look(lease);
        return lease;
      } catch (cause) {
        await lease.release();
        throw cause;
      }
    },
  };
}
