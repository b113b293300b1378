/**
 * What the local backend needs of a file system. Small, so that a simulation can replace it and lose what a real disk may
 * lose. Every method rejects with the error of the system (`code`, `syscall`, `path`).
 */
export interface Disk {
  /** The whole file; undefined if it does not exist. */
  read(path: string): Promise<Uint8Array | undefined>;
  /**
   * Once this resolves, the file contains exactly `text` and survives a power failure. Until then, and if it rejects, it
   * is the complete old file. Readable and writable only by its owner. `precondition` is called right before the rename.
   */
  replace(path: string, text: string, precondition?: Precondition): Promise<void>;
  /**
   * Creates a file, which contains `text` from its first moment on and is as durable as with `replace`. Rejects with
   * `EEXIST` if the file exists. The appender stays on this file, even if the name belongs to another one later.
   */
  create(path: string, text: string): Promise<Appender>;
  /** Does nothing if the file does not exist. After a power failure the file may be back. */
  remove(path: string, precondition?: Precondition): Promise<void>;
}

/** Throws if the file must not be changed: a process that was frozen may have lost its lock. */
export type Precondition = () => void;

export interface Appender {
  /** Passes all bytes to the system. If it rejects, some of them may be in the file. */
  write(bytes: Uint8Array): Promise<void>;
  /** What was written survives a power failure. A rejection is final: it is not known what the disk contains. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
