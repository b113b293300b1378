import { hash } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { integerFrom, nonEmpty, object, optionalField, string } from '../../domain/shape.ts';
import { hasCode } from '../../files/system-error.ts';

/**
 * Identifies a process. A pid alone does not: it is reused, means another process in each container, and nothing after a
 * reboot. A field that the system does not provide is absent.
 */
export interface Owner {
  readonly host: string;
  readonly pid: number;
  /** `/proc/sys/kernel/random/boot_id`: changes with each boot. */
  readonly boot_id?: string;
  /** `/proc/self/ns/{pid,time}`: the namespaces in which pid and start time are valid. */
  readonly namespaces?: string;
  /** `/proc/PID/stat`, field 22: when the process started, in ticks since boot. */
  readonly start_ticks?: string;
  /** `/etc/machine-id`, hashed as machine-id(5) requires; only outside containers. */
  readonly machine?: string;
}

export const ownerShape = object<Owner>({
  host: nonEmpty,
  pid: integerFrom(1),
  boot_id: optionalField(string),
  namespaces: optionalField(string),
  start_ticks: optionalField(string),
  machine: optionalField(string),
});

/** How the lock file learns about processes; replaced in tests. */
export interface Processes {
  self(): Promise<Owner>;
  /** True only if the process certainly does not run any more. */
  isDead(owner: Owner): Promise<boolean>;
}

export const nodeProcesses: Processes = {
  async self() {
    const [bootId, pids, times, stat] = await Promise.all([
      known(readFile('/proc/sys/kernel/random/boot_id', 'utf8')),
      known(readlink('/proc/self/ns/pid')),
      known(readlink('/proc/self/ns/time')),
      processStat(process.pid),
    ]);
    const namespaces = pids && `${pids} ${times ?? 'no time namespace'}`;
    const machine = pids === INITIAL_PIDS ? await known(readFile('/etc/machine-id', 'utf8')) : undefined;
    return {
      host: hostname(),
      pid: process.pid,
      ...(bootId && { boot_id: bootId.trim() }),
      ...(namespaces && { namespaces }),
      ...(stat && { start_ticks: stat.startTicks }),
      ...(machine && { machine: hash('sha256', `vbsctl ${machine.trim()}`) }),
    };
  },

  async isDead(owner) {
    const self = await nodeProcesses.self();
    switch (pidScope(owner, self)) {
      case 'shared':
        return !(await isAlive(owner));
      case 'rebooted':
        return true;
      case 'unknown':
        return false;
    }
  },
};

/** Whether the pid of `owner` has the same meaning for the process `self`. Pure. */
export function pidScope(owner: Owner, self: Owner): 'shared' | 'rebooted' | 'unknown' {
  if (owner.boot_id === undefined || self.boot_id === undefined) {
    // neither has /proc: macOS and similar systems, where only host name and pid are known
    const bare = owner.boot_id === undefined && self.boot_id === undefined;
    return bare && owner.host === self.host ? 'shared' : 'unknown';
  }
  if (owner.boot_id === self.boot_id) return owner.namespaces === self.namespaces ? 'shared' : 'unknown';
  // two hosts made from one image may share a machine id, but hardly the host name and the state file
  const sameMachine = owner.machine !== undefined && owner.machine === self.machine;
  return sameMachine && owner.host === self.host ? 'rebooted' : 'unknown';
}

/** The inode number of the first pid namespace, fixed in the kernel (`PID_NS_INIT_INO`). */
const INITIAL_PIDS = 'pid:[4026531836]';

/** True if in doubt. A stopped process (SIGSTOP) is alive. */
async function isAlive({ pid, start_ticks }: Owner): Promise<boolean> {
  if (!exists(pid)) return false;
  // /proc may hide the processes of other users (hidepid)
  const stat = await processStat(pid);
  if (!stat) return true;
  if (start_ticks !== undefined && stat.startTicks !== start_ticks) return false; // the pid was reused
  return stat.state !== 'Z' && stat.state !== 'X'; // it was killed, and its parent has not waited for it yet
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasCode(error, 'ESRCH');
  }
}

async function processStat(pid: number): Promise<{ state: string; startTicks: string } | undefined> {
  const stat = await known(readFile(`/proc/${pid}/stat`, 'utf8'));
  // `pid (name) state ppid …`: the name may contain spaces and parentheses, so fields are counted from its end
  const rest = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = rest?.[0];
  const startTicks = rest?.[19];
  return state && startTicks ? { state, startTicks } : undefined;
}

/** Undefined if the system does not have the file. */
function known(reading: Promise<string>): Promise<string | undefined> {
  return reading.catch(() => undefined);
}
