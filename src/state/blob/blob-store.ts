import type { LockInfo } from '../backend.ts';

/** Stores one text, which is always written as a whole: an HTTP state server, an object in a bucket. */
export interface BlobStore {
  /** For messages. */
  readonly location: string;
  /** Reads the text; undefined if there is none. Repeats the request if needed; rejects with a `Failure`. */
  read(): Promise<StoredBlob | undefined>;
  /** Makes one attempt to replace `previous` with `bytes`, under the lock. Does not reject for a missing or bad answer. */
  write(bytes: Buffer, previous: StoredBlob | undefined, lock: LockInfo): Promise<WriteOutcome>;
  /** Longer texts are neither read nor written, so that every text that was written can be read. */
  readonly bytesMax: number;
  /** Whether `write` refuses if the stored text is not `previous`; otherwise the text is read and compared before. */
  readonly checksPrevious: boolean;
  /** Whether the store returns the text with the highest serial and not the last one, as GitLab does. */
  readonly keepsHighestSerial: boolean;
}

export interface StoredBlob {
  readonly bytes: Uint8Array;
  /** The identifier that the store gives to this content. */
  readonly tag?: string;
}

export type WriteOutcome =
  | { readonly kind: 'written'; readonly tag?: string }
  /** It was not written, and a repetition would not help. */
  | { readonly kind: 'refused'; readonly failure: Error }
  /** It is not known whether it was written, or the stored text was not `previous`. The stored text has to be read. */
  | { readonly kind: 'unsure'; readonly why: string };
