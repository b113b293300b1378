/**
 * All that the local backend asks of a file system. Small, so that a simulation can stand in for it and lose
 * what a real disk may lose. Every method rejects with the system's own error (`code`, `syscall`, `path`).
 */
export interface Disk {
  /** The whole file; undefined when there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /**
   * The file holds exactly `text` once this resolves, and survives a power failure. Until then, and for good
   * when it rejects, it is the old file, whole. Readable and writable by its owner only. `guard` is asked when
   * nothing is left to do but to change the name.
   */
  replace(path: string, text: string, guard?: Guard): Promise<void>;
  /**
   * Makes a file where none is, with `text` in it from its first moment on, as durable as `replace`; else rejects
   * with `EEXIST`. The appender is of this very file, whatever has its name by then.
   */
  create(path: string, text: string): Promise<Appender>;
  /** Nothing there is fine. Not promised to survive a power failure: the file may be back after it. */
  remove(path: string, guard?: Guard): Promise<void>;
}

/** Throws when the file must be left alone: a process that was frozen may not be its owner any more. */
export type Guard = () => void;

export interface Appender {
  /** All bytes are handed to the system, or it rejects; a part of them may be in the file then. */
  write(bytes: Uint8Array): Promise<void>;
  /** What was written survives a power failure. A rejection is final: nobody knows what the disk holds. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
