import { runInterruptibly } from '../../domain/chunked-work.ts';
import type { Clock } from '../../domain/clock.ts';
import { Failure } from '../../domain/errors.ts';
import { fold, type State } from '../../domain/state.ts';
import { RetryableError } from '../../network/retry.ts';
import { tooLarge } from '../answer-limits.ts';
import type { Backend, LockInfo } from '../backend.ts';
import { decodeSnapshot, encodeSnapshot, type Snapshot } from '../codec.ts';
import { type Chain, extendChain } from '../history-chain.ts';
import { type Group, type LockedStore, StoredLease } from '../lease.ts';
import type { Lock } from '../lock.ts';
import { lockLost, stateChanged } from '../lock-failures.ts';
import { ONE_MINUTE, type RetryPolicy, withRetry } from '../retry.ts';
import { notWritten } from '../server-failures.ts';
import type { BlobStore, StoredBlob } from './blob-store.ts';

/**
 * A state as one text: every group of commits writes it whole. That costs with the size of the state, which the
 * group commit shares among all that waited.
 */
export interface BlobBackendOptions {
  readonly location: string;
  /** `Backend.id`; default: the location. */
  readonly id?: string;
  readonly store: BlobStore;
  readonly lock: Lock<HeldBlobLock>;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly retry?: RetryPolicy;
}

export interface HeldBlobLock {
  readonly info: LockInfo;
  /** False once somebody took it away, as far as the store tells. */
  stillHeld(): Promise<boolean>;
  /** False when it was not ours any more; then nothing happened. */
  release(): Promise<boolean>;
  /** Somebody who may still live lost it to us: his next write must fail. */
  readonly takenOver: boolean;
  readonly lost: Error | undefined;
  remainingMs(): number;
  /** From a renewal on; Infinity: it has no end. */
  readonly ttlMs: number;
}

export function blobBackend(options: BlobBackendOptions): Backend {
  const { location, id = location, store, lock, clock, newId } = options;
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
        const locked = new LockedBlob(options, held, loaded);
        // Rule: taken-over-state-is-fenced
        const found = held.takenOver && loaded ? await locked.fence(loaded.snapshot) : loaded?.snapshot;
        return new StoredLease({ store: locked, found, actor, clock, newId, location });
      } catch (cause) {
        await held.release();
        throw cause;
      }
    },
    holder: () => lock.holder(),
    unlock: (id) => lock.unlock(id),
  };
}

interface Loaded {
  readonly stored: StoredBlob;
  readonly snapshot: Snapshot;
}

async function loadBlob(store: BlobStore, stop?: AbortSignal): Promise<Loaded | undefined> {
  const stored = await store.read();
  return (
    stored && { stored, snapshot: await runInterruptibly(decodeSnapshot(stored.bytes, store.place), stop) }
  );
}

class LockedBlob implements LockedStore {
  readonly #store: BlobStore;
  readonly #held: HeldBlobLock;
  readonly #clock: Clock;
  readonly #retry: RetryPolicy;
  #stored: StoredBlob | undefined;
  #chain: Chain;

  constructor(
    { store, clock, retry = ONE_MINUTE }: BlobBackendOptions,
    held: HeldBlobLock,
    loaded: Loaded | undefined,
  ) {
    this.#store = store;
    this.#held = held;
    this.#clock = clock;
    this.#retry = retry;
    this.#stored = loaded?.stored;
    this.#chain = loaded?.snapshot.chain ?? [];
  }

  get lock(): LockInfo {
    return this.#held.info;
  }

  get lost(): Error | undefined {
    return this.#held.lost;
  }

  remainingMs(): number {
    return this.#held.remainingMs();
  }

  get ttlMs(): number {
    return this.#held.ttlMs;
  }

  async append({ before, commits }: Group): Promise<void> {
    await this.#put({ state: fold(before, commits), chain: this.#chain });
  }

  async replace(next: Snapshot, current: State | undefined): Promise<void> {
    const { serialsOnlyRise, place } = this.#store;
    if (serialsOnlyRise && current && next.state.serial <= current.serial)
      throw serialTooLow(place, next.state.serial, current.serial);
    await this.#put(next);
  }

  async release(last: State | undefined): Promise<void> {
    if (!(await this.#held.release()) && last) throw lockLost(this.#held.info);
  }

  /**
   * The state with the next serial and nothing else new. Its text is another one from now on, so that what the
   * former holder writes over the text he knows is refused.
   */
  async fence({ state, chain }: Snapshot): Promise<Snapshot> {
    const fenced = { state: { ...state, serial: state.serial + 1 }, chain };
    await this.#put(fenced);
    return fenced;
  }

  async #put({ state, chain }: Snapshot): Promise<void> {
    const next = { state, chain: extendChain(state, chain) };
    await this.#mustHold();
    await this.#write(encodeSnapshot(next));
    // Rule: lost-lock-acknowledges-no-write
    // Still ours after the write: a lock that went in between must not make us acknowledge what the next
    // owner may never have seen.
    await this.#mustHold();
    this.#chain = next.chain;
  }

  /** Until it is known to be there. After an answer in doubt what is there decides, and only that. */
  #write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    const { bytesMax, place } = this.#store;
    if (bytes.length > bytesMax) throw tooLarge('the state', bytesMax, place);
    let why: string | undefined;
    return withRetry(this.#clock, this.#retry, async () => {
      if (
        !this.#store.guarded ||
        // Rule: write-in-doubt-is-read-before-it-is-repeated
        why !== undefined
      ) {
        const now = await this.#store.read();
        if (why !== undefined && now && bytes.equals(now.bytes)) {
          this.#stored = now;
          return;
        }
        if (!sameText(now, this.#stored)) {
          await this.#mustHold();
          throw stateChanged(this.#store.place);
        }
      }
      const outcome = await this.#store.write(bytes, this.#stored, this.lock);
      switch (outcome.kind) {
        case 'written':
          this.#stored = { bytes, ...(outcome.tag === undefined ? {} : { tag: outcome.tag }) };
          return;
        case 'refused':
          throw outcome.failure;
        // Rule: write-in-doubt-is-not-done
        case 'unsure':
          why = outcome.why;
          throw new RetryableError(why, { cause: notWritten(this.#store.place, why) });
      }
    });
  }

  async #mustHold(): Promise<void> {
    if (!(await this.#held.stillHeld())) throw lockLost(this.#held.info);
  }
}

function sameText(a: StoredBlob | undefined, b: StoredBlob | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a.bytes, b.bytes) === 0;
}

function serialTooLow(place: string, given: number, current: number): Failure {
  return Failure.of(
    'state',
    'state-serial',
    `a state with serial ${given} cannot replace the one at ${place} with ${current}`,
    {
      detail: 'Servers of this kind keep every version and show the one with the highest serial.',
      remedy: 'remove that state on the server first, or name another place',
    },
  );
}
