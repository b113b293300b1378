import type { Appender, Disk } from '../../src/state/local/disk.ts';
import type { SimProcess } from './sim-process.ts';

/** What is in a file: as processes see it, and what survives a power failure for certain. */
export interface Inode {
  readonly id: number;
  seen: Buffer;
  durable: Buffer;
}

/** How an operation on the disk goes wrong. */
export interface DiskTrouble {
  readonly code: 'ENOSPC' | 'EIO';
  /** Of a write, so much (0 to 1) is in the file all the same. */
  readonly part: number;
  /** After a failed sync: whether later reads still see what was written. */
  readonly kept: boolean;
}

/**
 * A disk that loses what a real one may lose. A file is replaced by another inode, so that who still has the old
 * one open writes into the void, as on a real one; a removal is undone by a power failure; what was not synced is
 * lost by one, or kept, or torn.
 */
export class SimDisk {
  #seen = new Map<string, Inode>();
  #durable = new Map<string, Inode>();
  #inodes = 0;
  /**
   * Told after every change of what would survive: the files as they are named now. (One that was removed may be
   * back after a power failure; then it is told again.) `writer`: absent after a power failure.
   */
  onDurable: (files: ReadonlyMap<string, Inode>, writer?: SimProcess) => void = () => {};

  /** The disk as a process has it. */
  of(process: SimProcess): Disk {
    const fail = (op: 'replace' | 'remove') => {
      const trouble = process.diskTrouble(op);
      if (trouble) throw failure(trouble);
    };
    return {
      read: (path) => process.io('read', async () => this.#seen.get(path)?.seen),
      replace: (path, text, guard) =>
        process.io('replace', async () => {
          fail('replace');
          guard?.();
          this.#name(path, text, process);
        }),
      create: (path, text) =>
        process.io('create', async () => {
          fail('replace');
          if (this.#seen.has(path)) throw Object.assign(new Error('EEXIST'), { code: 'EEXIST' });
          return this.#appender(this.#name(path, text, process), process);
        }),
      remove: (path, guard) =>
        process.io('remove', async () => {
          fail('remove');
          guard?.();
          this.#seen.delete(path);
          this.onDurable(this.#seen, process);
        }),
    };
  }

  /** A file with a new name is durable, and with it all that happened to names before. */
  #name(path: string, text: string, writer: SimProcess): Inode {
    const bytes = Buffer.from(text);
    const inode = { id: ++this.#inodes, seen: bytes, durable: bytes };
    this.#seen.set(path, inode);
    this.#durable = new Map(this.#seen);
    this.onDurable(this.#seen, writer);
    return inode;
  }

  #appender(inode: Inode, process: SimProcess): Appender {
    return {
      write: (bytes) =>
        process.io('write', async () => {
          const trouble = process.diskTrouble('write');
          const length = trouble ? Math.floor(trouble.part * bytes.length) : bytes.length;
          inode.seen = Buffer.concat([inode.seen, bytes.subarray(0, length)]);
          if (trouble) throw failure(trouble);
        }),
      sync: () =>
        process.io('sync', async () => {
          const trouble = process.diskTrouble('sync');
          if (trouble) {
            const unsynced = inode.seen.length - inode.durable.length;
            inode.durable = inode.seen.subarray(
              0,
              inode.durable.length + Math.floor(trouble.part * unsynced),
            );
            if (!trouble.kept) inode.seen = inode.durable;
            this.onDurable(this.#seen, process);
            throw failure(trouble);
          }
          inode.durable = inode.seen;
          this.onDurable(this.#seen, process);
        }),
      close: async () => undefined,
    };
  }

  /** `keep` (0 to 1): how much of what was not synced is there afterwards. */
  powerFailure(keep: number): void {
    for (const inode of new Set([...this.#seen.values(), ...this.#durable.values()])) {
      const unsynced = inode.seen.length - inode.durable.length;
      inode.durable = inode.seen.subarray(0, inode.durable.length + Math.floor(keep * unsynced));
      inode.seen = inode.durable;
    }
    if (keep < 0.5) this.#seen = new Map(this.#durable);
    else this.#durable = new Map(this.#seen);
    this.onDurable(this.#seen);
  }
}

function failure({ code }: DiskTrouble): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: drawn`), { code, syscall: 'write' });
}
