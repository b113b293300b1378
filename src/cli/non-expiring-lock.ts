import { shellOperand } from '../domain/escape/shell-word.ts';
import { isUrl } from '../domain/shown-location.ts';
import type { Backend, LockInfo } from '../state/backend.ts';
import { eachLease } from '../state/backend-decorators.ts';
import type { Io } from './io.ts';
import { showDiagnostics } from './print.ts';

/**
 * The backend, that tells the id of a lock that would outlive this process and end by no time: some servers (Gitea)
 * tell it to nobody, and then only the log of the killed run has it.
 */
export function warningOfNonExpiringLock(io: Io, backend: Backend): Backend {
  if (!isUrl(backend.location)) return backend;
  return eachLease(backend, (lease) => {
    if (lease.ttlMs === Number.POSITIVE_INFINITY) tell(io, lease.lock);
    return lease;
  });
}

function tell(io: Io, { id }: LockInfo): void {
  showDiagnostics(io, [
    {
      severity: 'note',
      code: 'lock-stands',
      summary: `the state is locked for this run; should it be killed: vbsctl unlock ${shellOperand(id)}`,
    },
  ]);
}
