import type { Clock } from '../../domain/clock.ts';
import type { Diagnostic } from '../../domain/diagnostic.ts';
import { optional } from '../../domain/optional.ts';
import type { Secrets } from '../../domain/secrets.ts';
import { STATE_BYTES_MAX } from '../answer-limits.ts';
import type { Backend } from '../backend.ts';
import { blobBackend } from '../blob/blob-backend.ts';
import type { BlobStore } from '../blob/blob-store.ts';
import { objectLock } from './object-lock.ts';
import type { Objects } from './objects.ts';
import { objectUrl, type S3Location } from './s3-location.ts';
import { type Abilities, selfTest } from './self-test.ts';

/** A state that is an object in a bucket of S3 or of a store that speaks like it, with its lock beside it. */
export interface S3BackendOptions {
  readonly location: string;
  readonly id?: string;
  readonly s3: S3Location;
  readonly settleMs: number;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly objects: Objects;
  /** What the store may repeat and no message may hold. */
  readonly secrets?: Secrets;
  /** Told why a renewal of the lock failed. */
  readonly onNote?: ((note: Diagnostic) => void) | undefined;
  /** Of the state; default 256 MiB. */
  readonly bytesMax?: number;
}

export function s3Backend(options: S3BackendOptions): Backend {
  const { location, s3, objects, settleMs, clock, newId, secrets, onNote } = options;
  const { key } = s3;
  const place = objectUrl(s3);
  const store = new ObjectStore(objects, key, place, options.bytesMax ?? STATE_BYTES_MAX);
  const lock = objectLock({
    objects,
    key: `${key}.lock`,
    place: `${place}.lock`,
    ttlMs: s3.ttl_ms,
    settleMs,
    clock,
    newId,
    secrets,
    onNote,
    abilities: async () => {
      const abilities = await selfTest(objects, `${key}.test-${newId()}`, place);
      store.know(abilities);
      return abilities;
    },
  });
  return blobBackend({ location, ...optional('id', options.id), store, lock, clock, newId });
}

class ObjectStore implements BlobStore {
  readonly place: string;
  readonly serialsOnlyRise = false;
  readonly bytesMax: number;
  readonly #objects: Objects;
  readonly #key: string;
  #guarded = false;

  constructor(objects: Objects, key: string, place: string, bytesMax: number) {
    this.bytesMax = bytesMax;
    this.#objects = objects;
    this.#key = key;
    this.place = place;
  }

  /** Told before the first write: nothing is written without the lock. */
  know({ guards }: Abilities): void {
    this.#guarded = guards;
  }

  get guarded(): boolean {
    return this.#guarded;
  }

  async read() {
    const found = await this.#objects.get(this.#key, this.bytesMax);
    return found && { bytes: found.bytes, tag: found.etag };
  }

  write(bytes: Buffer, over: { readonly tag?: string } | undefined) {
    // Rule: state-is-written-over-what-was-read
    const known = this.#guarded ? (over?.tag ?? 'anything') : 'anything';
    return this.#objects.put(this.#key, bytes, { over: over === undefined ? 'nothing' : known });
  }
}
