import { hostname } from 'node:os';
import { EXIT, type ExitCode } from '../../domain/errors.ts';
import type { LockHolder } from '../../domain/lock-holder.ts';
import { hasCode } from '../../files/system-error.ts';
import { unlockedText } from '../../views/lock-text.ts';
import { confirm } from '../confirm.ts';
import { loadContext } from '../context.ts';
import type { Io } from '../io.ts';
import { openUncheckedState } from '../open-state.ts';
import type { CommonFlags } from '../options/shared.ts';
import { textOptions } from '../print.ts';

export interface UnlockFlags extends CommonFlags {
  readonly autoApprove?: boolean;
}

/** Removes the lock of a run that is no longer alive. If its process runs on this machine, the user has to confirm. */
export async function unlock(io: Io, id: string, flags: UnlockFlags): Promise<ExitCode> {
  const backend = await openUncheckedState(await loadContext(io, flags), 'read');
  const holder = flags.autoApprove ? undefined : await backend.holder();
  if (holder?.id === id && isRunningHere(holder))
    await confirm(
      io,
      `Process ${holder.pid} is still running on this machine, and works on the state. Remove its lock all the same?`,
      `wait for process ${holder.pid} to end (--lock-timeout), or stop it: kill ${holder.pid}. If it is not vbsctl, add --auto-approve`,
    );
  const removed = await backend.unlock(id);
  io.stdout.write(unlockedText(backend.location, removed, textOptions(io)));
  return EXIT.done;
}

/** Whether the process that holds a lock runs on this machine. A pid may have been reused: then this is wrong. */
function isRunningHere({ host, pid }: LockHolder): boolean {
  if (host !== hostname() || pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasCode(error, 'ESRCH');
  }
}
