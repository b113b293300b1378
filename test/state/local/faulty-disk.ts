import type { Appender, Disk } from '../../../src/state/local/disk.ts';

/** What befalls the disk at one of its operations. */
export type Fault =
  /** The process dies before, or after the operation took effect, or in the middle of it. */
  | { readonly kind: 'crash'; readonly when: 'before' | 'after' }
  | { readonly kind: 'crash'; readonly when: 'during'; readonly part: number }
  /** The operation fails; of a write, `part` (0 to 1) of the bytes is in the file. */
  | { readonly kind: 'error'; readonly code: 'ENOSPC' | 'EIO'; readonly part: number };

interface Kept {
  /** As processes see it. */
  readonly seen: Buffer | undefined;
  /** What a power failure leaves of it, for certain. */
  readonly durable: Buffer | undefined;
}

/**
 * A disk in memory that loses what a real one may lose. A process works through a `session`; a crash ends the
 * session (its promises never settle, as those of a dead process do not), a power failure also takes what was
 * not synced.
 */
export class FaultyDisk {
  readonly #files = new Map<string, Kept>();
  #session = 0;
  /** Counted over all sessions. */
  readonly asked = { replace: 0, write: 0, sync: 0, remove: 0 };

  /**
   * `fault` is asked at each operation but reads; `crashed` is called when the process is dead. A new session
   * ends the one before, unless it is another process `beside` it.
   */
  session(
    fault: (operation: string) => Fault | undefined,
    crashed: () => void,
    place: 'alone' | 'beside' = 'alone',
  ): Disk {
    if (place === 'alone') this.#session += 1;
    const current = this.#session;
    const step = async <T>(operation: keyof FaultyDisk['asked'], effect: (part: number) => T): Promise<T> => {
      await Promise.resolve();
      if (current !== this.#session) return await never();
      this.asked[operation] += 1;
      const hit = fault(operation);
      const die = () => {
        this.#session += 1;
        crashed();
        return never<T>();
      };
      if (hit?.kind === 'error') {
        effect(hit.part * 0.999);
        throw Object.assign(new Error(`${hit.code}: told to fail, ${operation}`), { code: hit.code });
      }
      if (hit?.when === 'before') return await die();
      if (hit?.when === 'during') {
        effect(hit.part * 0.999);
        return await die();
      }
      const result = effect(1);
      return hit?.when === 'after' ? await die() : result;
    };
    return {
      read: async (path) => {
        if (current !== this.#session) return await never();
        return this.#files.get(path)?.seen;
      },
      // whole or not at all, that is the promise of `replace`
      replace: async (path, text, precondition) => {
        precondition?.();
        await step('replace', (part) => {
          const bytes = Buffer.from(text);
          if (part === 1) this.#files.set(path, { seen: bytes, durable: bytes });
        });
      },
      // counted as `replace`: to the disk it is the same work
      create: async (path, text) => {
        await step('replace', (part) => {
          if (this.#files.get(path)?.seen) throw Object.assign(new Error('EEXIST'), { code: 'EEXIST' });
          const bytes = Buffer.from(text);
          if (part === 1) this.#files.set(path, { seen: bytes, durable: bytes });
        });
        return this.#appender(path, step);
      },
      remove: async (path, precondition) => {
        precondition?.();
        await step('remove', (part) => {
          const file = this.#files.get(path);
          if (part === 1) this.#files.set(path, { seen: undefined, durable: file?.durable });
        });
      },
    };
  }

  /** `keep` (0 to 1): how much of what was not synced is there afterwards. */
  powerFailure(keep: number): void {
    this.#session += 1;
    for (const [path, { seen, durable }] of this.#files) {
      const kept =
        seen &&
        durable &&
        seen.subarray(0, durable.length + Math.floor(keep * (seen.length - durable.length)));
      const left = keep > 0.5 && !seen ? undefined : (kept ?? durable);
      this.#files.set(path, { seen: left, durable: left });
    }
  }

  #appender(
    path: string,
    step: (operation: 'write' | 'sync', effect: (part: number) => void) => Promise<void>,
  ): Appender {
    const change = (with_: (file: Kept) => Kept) => {
      const file = this.#files.get(path);
      if (file) this.#files.set(path, with_(file));
    };
    return {
      write: (bytes) =>
        step('write', (part) =>
          change(({ seen = Buffer.alloc(0), durable }) => ({
            seen: Buffer.concat([seen, bytes.slice(0, Math.floor(part * bytes.length))]),
            durable,
          })),
        ),
      // a failed sync leaves the page cache full and the disk as it was: both are what Linux does
      sync: () =>
        step('sync', (part) =>
          change(({ seen, durable }) => ({ seen, durable: part === 1 ? seen : durable })),
        ),
      close: async () => undefined,
    };
  }
}

function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}
