import type { Backend } from './backend.ts';

/** How long a lock that was asked for may take to come, or not, once a stop was asked for. */
const GRACE_MS = 5_000;

/**
 * The backend, of which a stop ends every wait for a server that answers slowly or never. A read is given up at once:
 * nothing is held; so is the removal of a lock, which may be asked for again. A lock that is being asked for gets a moment, as it may be granted: then it is given back.
 */
export function stoppableBackend(backend: Backend, stop: AbortSignal): Backend {
  return {
    location: backend.location,
    place: backend.place,
    read: () => untilStopped(backend.read(), stop, 0),
    snapshot: () => untilStopped(backend.snapshot(), stop, 0),
    holder: () => untilStopped(backend.holder(), stop, 0),
    unlock: (id) => untilStopped(backend.unlock(id), stop, 0),
    lock: (actor, waitMs, signal) => untilStopped(backend.lock(actor, waitMs, signal), stop, GRACE_MS),
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
    // What fails once a stop was asked for has been waited for too long to matter.
    work.finally(settled).then(resolve, (cause: unknown) => reject(stop.aborted ? stop.reason : cause));
  });
}
