import type { Appender, Disk, Precondition } from '../../src/state/local/disk.ts';

/** A disk in memory that keeps everything. */
export class MemoryDisk implements Disk {
  readonly files = new Map<string, Uint8Array>();
  readonly #room = new Map<string, { bytes: Uint8Array; filled: Uint8Array }>();
  /** Set to make every write fail from now on. */
  broken: NodeJS.ErrnoException | undefined;

  async read(path: string): Promise<Uint8Array | undefined> {
    return this.files.get(path);
  }

  async replace(path: string, text: string, guard?: Precondition): Promise<void> {
    this.#failIfBroken();
    guard?.();
    this.files.set(path, new TextEncoder().encode(text));
  }

  async create(path: string, text: string): Promise<Appender> {
    this.#failIfBroken();
    if (this.files.has(path)) throw Object.assign(new Error('EEXIST'), { code: 'EEXIST' });
    this.files.set(path, new TextEncoder().encode(text));
    return {
      write: async (bytes) => {
        this.#failIfBroken();
        this.#join(path, bytes);
      },
      sync: async () => this.#failIfBroken(),
      close: async () => {},
    };
  }

  async remove(path: string, guard?: Precondition): Promise<void> {
    guard?.();
    this.files.delete(path);
  }

  /** Twice the room at each growth, so that a long journal is not copied at every record. */
  #join(path: string, bytes: Uint8Array): void {
    const start = this.files.get(path) ?? new Uint8Array();
    const length = start.byteLength + bytes.byteLength;
    let room = this.#room.get(path);
    // What a test put there, or kept, is never written into.
    if (room?.filled !== start || room.bytes.byteLength < length) {
      room = { bytes: new Uint8Array(2 * length), filled: start };
      room.bytes.set(start);
    }
    room.bytes.set(bytes, start.byteLength);
    room.filled = room.bytes.subarray(0, length);
    this.#room.set(path, room);
    this.files.set(path, room.filled);
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
