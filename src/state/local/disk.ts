/**
 * All that the local backend asks of a file system. Small, so that a simulation can stand in for it and lose
 * what a real disk may lose. Every method rejects with the system's own error (`code`, `syscall`, `path`).
 */
export interface Disk {
  /** The whole file; undefined when there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /**
   * The file holds exactly `text` once this resolves, and survives a power failure. Until then, and for good
   * when it rejects, it is the old file, whole. Readable and writable by its owner only.
   */
  replace(path: string, text: string): Promise<void>;
  /** Opens an existing file to write behind its end. */
  append(path: string): Promise<Appender>;
  /** Nothing there is fine. Not promised to survive a power failure: the file may be back after it. */
  remove(path: string): Promise<void>;
}

export interface Appender {
  /** All bytes are handed to the system, or it rejects; a part of them may be in the file then. */
  write(bytes: Uint8Array): Promise<void>;
  /** What was written survives a power failure. A rejection is final: nobody knows what the disk holds. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
