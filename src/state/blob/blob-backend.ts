import { runInterruptibly } from '../../domain/chunked-work.ts';
import { Failure } from '../../domain/errors.ts';
import { optional } from '../../domain/optional.ts';
import { fold, type State } from '../../domain/state.ts';
import { RetryableError } from '../../network/retry.ts';
import { tooLarge } from '../answer-limits.ts';
import type { Backend, BackendContext, OwnLock } from '../backend.ts';
import { decodeSnapshot, encodeSnapshot, type Snapshot } from '../codec.ts';
import { type Chain, extendChain } from '../history-chain.ts';
import { type Group, type LeaseStorage, StateLease } from '../lease.ts';
import type { Lock } from '../lock.ts';
import { isLockLost, lockLost, stateChanged } from '../lock-failures.ts';
import { ONE_MINUTE, type RetryPolicy, withRetry } from '../remote-retry.ts';
import { notWritten } from '../server-failures.ts';
import type { BlobStore, StoredBlob } from './blob-store.ts';

/**
 * A state as one text, which every group of commits writes as a whole. The cost grows with the size of the state; the group
 * commit shares it among all commits that waited.
 */
interface BlobBackendOptions extends Pick<BackendContext, 'location' | 'id' | 'clock' | 'newId'> {
  readonly store: BlobStore;
  readonly lock: Lock<HeldBlobLock>;
  /** Default: about a minute. */
  readonly retry?: RetryPolicy;
}

export interface HeldBlobLock {
  readonly own: OwnLock;
  /** Whether it was taken from a holder that may still be alive, whose next write must fail. */
  readonly takenOver: boolean;
  /** False after somebody removed it, as far as the store tells. */
  stillHeld(): Promise<boolean>;
  /** False if it was not ours any more; then it did nothing. */
  release(): Promise<boolean>;
}

export function blobBackend(options: BlobBackendOptions): Backend {
  const { location, id = location, store, lock } = options;
  const load = async () => (await loadBlob(store))?.snapshot;
  return {
    location,
    id,
    read: async () => (await load())?.state,
    snapshot: load,
    async lock(actor, waitMs, signal) {
      const held = await lock.acquire(actor, waitMs, signal);
      try {
        const loaded = await loadBlob(store, signal);
        const storage = new LockedBlob(options, held, loaded);
        // Rule: taken-over-state-is-fenced
        const found = held.takenOver && loaded ? await storage.fence(loaded.snapshot) : loaded?.snapshot;
        return new StateLease({ ...options, storage, found, actor });
      } catch (cause) {
        await held.release();
        throw cause;
      }
    },
    holder: () => lock.holder(),
    unlock: (id) => lock.unlock(id),
  };
}

interface LoadedBlob {
  readonly stored: StoredBlob;
  readonly snapshot: Snapshot;
}

async function loadBlob(store: BlobStore, stop?: AbortSignal): Promise<LoadedBlob | undefined> {
  const stored = await store.read();
  return (
    stored && { stored, snapshot: await runInterruptibly(decodeSnapshot(stored.bytes, store.location), stop) }
  );
}

/** The text while this process holds its lock. */
class LockedBlob implements LeaseStorage {
  readonly lock: OwnLock;
  readonly #options: BlobBackendOptions;
  readonly #held: HeldBlobLock;
  /** The text as it is known to be stored. */
  #stored: StoredBlob | undefined;
  #chain: Chain;

  constructor(options: BlobBackendOptions, held: HeldBlobLock, loaded: LoadedBlob | undefined) {
    this.#options = options;
    this.#held = held;
    this.lock = held.own;
    this.#stored = loaded?.stored;
    this.#chain = loaded?.snapshot.chain ?? [];
  }

  append({ before, commits }: Group): Promise<void> {
    return this.#put({ state: fold(before, commits), chain: this.#chain });
  }

  async replace(next: Snapshot, current: State | undefined): Promise<void> {
    const { location, keepsHighestSerial } = this.#options.store;
    if (keepsHighestSerial && current && next.state.serial <= current.serial)
      throw serialTooLow(location, next.state.serial, current.serial);
    await this.#put(next);
  }

  async release(last: State | undefined): Promise<void> {
    if (!(await this.#held.release()) && last) throw lockLost(this.lock.info);
  }

  /** Stores the state with the next serial. Its text is another one then, so a write of the former holder is refused. */
  async fence({ state, chain }: Snapshot): Promise<Snapshot> {
    const withNextSerial = { state: { ...state, serial: state.serial + 1 }, chain };
    await this.#put(withNextSerial);
    return withNextSerial;
  }

  async #put(snapshot: Snapshot): Promise<void> {
    const next = { state: snapshot.state, chain: extendChain(snapshot.state, snapshot.chain) };
    await this.#assertHeld();
    await this.#write(encodeSnapshot(next));
    // Rule: lost-lock-acknowledges-no-write
    // If the lock was lost during the write, the next holder may not see it: it must not be acknowledged.
    await this.#assertHeld();
    this.#chain = next.chain;
  }

  async #assertHeld(): Promise<void> {
    if (!(await this.#held.stillHeld())) throw lockLost(this.lock.info);
  }

  /** Repeats until the text is known to be stored. After an uncertain answer, the stored text is read and compared. */
  #write(text: string): Promise<void> {
    const { store, clock, retry = ONE_MINUTE } = this.#options;
    const { location, bytesMax } = store;
    const bytes = Buffer.from(text);
    if (bytes.length > bytesMax) throw tooLarge('the state', bytesMax, location);
    let why: string | undefined;
    return withRetry(clock, retry, async () => {
      if (
        !store.checksPrevious ||
        // Rule: ambiguous-write-is-read-before-it-is-repeated
        why !== undefined
      ) {
        const now = await store.read();
        if (why !== undefined && now && bytes.equals(now.bytes)) {
          this.#stored = now;
          return;
        }
        if (!sameText(now, this.#stored)) {
          await this.#assertHeld();
          throw stateChanged(location);
        }
      }
      const outcome = await store.write(bytes, this.#stored, this.lock.info);
      switch (outcome.kind) {
        case 'written':
          this.#stored = { bytes, ...optional('tag', outcome.tag) };
          return;
        case 'refused': {
          // A copy of this request, of an earlier attempt or made by a gateway, may have come first.
          const now = isLockLost(outcome.failure) ? undefined : await store.read();
          if (!now || !bytes.equals(now.bytes)) throw outcome.failure;
          this.#stored = now;
          return;
        }
        // Rule: ambiguous-write-is-not-assumed-done
        case 'unsure':
          why = outcome.why;
          throw new RetryableError(why, { cause: notWritten(location, why) });
      }
    });
  }
}

function sameText(a: StoredBlob | undefined, b: StoredBlob | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a.bytes, b.bytes) === 0;
}

function serialTooLow(location: string, given: number, current: number): Failure {
  const summary = `a state with serial ${given} cannot replace the present one, which has serial ${current}`;
  return Failure.of('state', 'state-serial-too-low', summary, {
    detail: 'Servers of this kind keep every version and return the one with the highest serial.',
    where: { file: location },
    remedy: 'remove that state on the server first, or name another location',
  });
}
