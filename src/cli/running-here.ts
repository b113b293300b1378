import { hostname } from 'node:os';
import type { LockHolder } from '../domain/lock-holder.ts';
import { hasCode } from '../files/system-error.ts';

/** Whether the process that holds a lock runs on this machine. A pid may have been reused: then this is wrong. */
export function isRunningHere({ host, pid }: LockHolder): boolean {
  if (host !== hostname() || pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasCode(error, 'ESRCH');
  }
}
