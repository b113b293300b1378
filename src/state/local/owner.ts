import { createHash } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { fields, integerFrom, maybe, text, word } from '../../domain/shape.ts';
import { hasCode } from '../../files/system-error.ts';

/**
 * Which process, surely: a pid alone is given to another process sooner or later, means another one in every
 * container, and nothing at all after a reboot. What a system cannot tell is absent.
 */
export interface Owner {
  readonly host: string;
  readonly pid: number;
  /** Of this boot of this kernel (`/proc/sys/kernel/random/boot_id`). */
  readonly boot_id?: string;
  /** In which pids and times have this meaning (`/proc/self/ns/{pid,time}`). */
  readonly namespaces?: string;
  /** When the process started, in ticks since boot (`/proc/PID/stat`, field 22). */
  readonly start_ticks?: string;
  /** Of the installation (`/etc/machine-id`, hashed, as machine-id(5) asks); only outside containers. */
  readonly machine?: string;
}

export const ownerShape = fields<Owner>({
  host: word,
  pid: integerFrom(1),
  boot_id: maybe(text),
  namespaces: maybe(text),
  start_ticks: maybe(text),
  machine: maybe(text),
});

/** How the lock file learns about processes; replaced in tests. */
export interface Processes {
  self(): Promise<Owner>;
  /** True only when it certainly runs no more. */
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
      ...(machine && { machine: createHash('sha256').update(`vbsctl ${machine.trim()}`).digest('hex') }),
    };
  },

  async isDead(owner) {
    const self = await nodeProcesses.self();
    switch (kinship(owner, self)) {
      case 'same pids':
        return !(await isAlive(owner));
      case 'rebooted since':
        return true;
      case 'cannot tell':
        return false;
    }
  },
};

/** What the pid of `owner` means to the process `self`. Pure. */
export function kinship(owner: Owner, self: Owner): 'same pids' | 'rebooted since' | 'cannot tell' {
  if (owner.boot_id === undefined || self.boot_id === undefined) {
    // no /proc on either: macOS and the like, where a host name and a pid are all there is
    const bare = owner.boot_id === undefined && self.boot_id === undefined;
    return bare && owner.host === self.host ? 'same pids' : 'cannot tell';
  }
  if (owner.boot_id === self.boot_id)
    return owner.namespaces === self.namespaces ? 'same pids' : 'cannot tell';
  // two hosts made of one image may share a machine id, hardly with the same name and the same state file
  const sameMachine = owner.machine !== undefined && owner.machine === self.machine;
  return sameMachine && owner.host === self.host ? 'rebooted since' : 'cannot tell';
}

/** The inode number of the first pid namespace, fixed in the kernel (`PID_NS_INIT_INO`). */
const INITIAL_PIDS = 'pid:[4026531836]';

/** In doubt: alive. A stopped process (SIGSTOP) is alive. */
async function isAlive({ pid, start_ticks }: Owner): Promise<boolean> {
  if (!exists(pid)) return false;
  // /proc may hide the processes of others (hidepid), so its silence proves nothing
  const stat = await processStat(pid);
  if (!stat) return true;
  if (start_ticks !== undefined && stat.startTicks !== start_ticks) return false; // the pid was given anew
  return stat.state !== 'Z' && stat.state !== 'X'; // killed, and its parent has not asked for it yet
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
  // `pid (name) state ppid …`: the name may hold spaces and parentheses, so count from its end
  const rest = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = rest?.[0];
  const startTicks = rest?.[19];
  return state && startTicks ? { state, startTicks } : undefined;
}

/** What the file says; undefined where the system has no such file. */
async function known(reading: Promise<string>): Promise<string | undefined> {
  return reading.catch(() => undefined);
}
