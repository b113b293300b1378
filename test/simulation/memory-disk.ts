import type { Appender, Disk } from '../../src/state/local/disk.ts';

/** A disk in memory that keeps everything. */
export class MemoryDisk implements Disk {
  readonly files = new Map<string, Uint8Array>();
  /** Set to make every write fail from now on. */
  broken: NodeJS.ErrnoException | undefined;

  async read(path: string): Promise<Uint8Array | undefined> {
    return this.files.get(path);
  }

  async replace(path: string, text: string): Promise<void> {
    this.#failIfBroken();
    this.files.set(path, new TextEncoder().encode(text));
  }

  async append(path: string): Promise<Appender> {
    this.#failIfBroken();
    return {
      write: async (bytes) => {
        this.#failIfBroken();
        this.files.set(path, Buffer.concat([this.files.get(path) ?? new Uint8Array(), bytes]));
      },
      sync: async () => this.#failIfBroken(),
      close: async () => {},
    };
  }

  async remove(path: string): Promise<void> {
    this.files.delete(path);
  }

  #failIfBroken(): void {
    if (this.broken) throw this.broken;
  }
}

export function noSpace(): NodeJS.ErrnoException {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    syscall: 'write',
  });
}
