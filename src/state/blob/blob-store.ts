import type { LockInfo } from '../backend.ts';

/** A place that keeps one text and is written whole: an HTTP state server, an object in a bucket. */
export interface BlobStore {
  /** For messages. */
  readonly place: string;
  /** The text as it is now; undefined when there is none. Is patient; throws a `Failure` at the end of it. */
  read(): Promise<StoredBlob | undefined>;
  /**
   * One attempt to put `bytes` in place of `over`, under the lock. Never throws for an answer, nor for the lack
   * of one.
   */
  write(bytes: Buffer, over: StoredBlob | undefined, lock: LockInfo): Promise<WriteOutcome>;
  /** What is longer is neither read nor written: what could not be read again must not be written. */
  readonly bytesMax: number;
  /** Whether `write` itself refuses when `over` is not what is there; else that is looked at before. */
  readonly guarded: boolean;
  /** Whether it may go on showing the text with the highest serial, as GitLab does. */
  readonly serialsOnlyRise: boolean;
}

export interface StoredBlob {
  readonly bytes: Uint8Array;
  /** The store's own name for this very content. */
  readonly tag?: string;
}

export type WriteOutcome =
  | { readonly kind: 'written'; readonly tag?: string }
  /** It was not written, and repeating it would not help. */
  | { readonly kind: 'refused'; readonly failure: Error }
  /** Nobody knows; or another text stood there than `over`. What is there now tells. */
  | { readonly kind: 'unsure'; readonly why: string };
