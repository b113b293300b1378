import type { Backend } from '../../src/state/backend.ts';
import { localBackend } from '../../src/state/local/local-backend.ts';
import { s3Objects } from '../../src/state/s3/objects.ts';
import { s3Backend } from '../../src/state/s3/s3-backend.ts';
import type { LeaseRules } from './lease-rules.ts';
import type { BucketSettings } from './scenario.ts';
import { SimBucket, type Stored } from './sim-bucket.ts';
import type { SimClock } from './sim-clock.ts';
import { SimDisk } from './sim-disk.ts';
import { SimLock } from './sim-lock.ts';
import type { SimProcess, StoreOp } from './sim-process.ts';

export const STATE = '/state';

/** What survives of the state: file by file. */
export type Files = ReadonlyMap<string, { readonly id: number; readonly durable: Buffer }>;

/** Where the state of a scenario is kept. */
export interface StateStore {
  backend(process: SimProcess): Backend;
  isHeldBy(process: SimProcess): boolean;
  /** An operator, who believes that the owner is gone, frees a lock that would stand for ever. */
  unlock(): void;
  powerFailure(keep: number): void;
}

interface Shared {
  readonly clock: SimClock;
  readonly newId: () => string;
  /** What would survive has changed. */
  readonly changed: (files: Files, writer: string | undefined) => void;
}

/** A file, its journal and a lock file on one disk. */
export function localStore({ newId, changed }: Shared): StateStore {
  const disk = new SimDisk();
  const lock = new SimLock();
  // Whose lock was freed by an operator may still write.
  disk.onDurable = (files, writer) => changed(files, (lock.owner ?? writer)?.name);
  return {
    backend: (process) =>
      localBackend({
        path: STATE,
        disk: disk.of(process),
        clock: process.clock,
        lock: lock.of(process),
        newId,
      }),
    isHeldBy: (process) => lock.isHeldBy(process),
    unlock: () => lock.unlock(),
    powerFailure: (keep) => disk.powerFailure(keep),
  };
}

/** An object in a bucket, and its lock beside it. */
export class BucketStore implements StateStore {
  readonly bucket: SimBucket;
  readonly #shared: Shared;
  readonly #settings: BucketSettings;
  readonly #settleMs: number;
  readonly #rules: LeaseRules;
  readonly #takenOver: (from: string, by: string) => void;
  #writes = 0;

  constructor(
    shared: Shared,
    settings: BucketSettings,
    settleMs: number,
    rules: LeaseRules,
    told: {
      readonly met: (fault: string, process: SimProcess) => void;
      readonly takenOver: (from: string, by: string) => void;
    },
  ) {
    this.#shared = shared;
    this.#settings = settings;
    this.#settleMs = settleMs;
    this.#rules = rules;
    this.#takenOver = told.takenOver;
    this.bucket = new SimBucket(shared.clock, settings.faults, {
      stored: (what) => this.#stored(what),
      met: told.met,
    });
  }

  backend(process: SimProcess): Backend {
    const { newId } = this.#shared;
    const s3 = { bucket: 'sim', key: STATE.slice(1), path_style: true, ttl_ms: this.#settings.ttl_ms };
    const { clock } = process;
    const objects = s3Objects(this.bucket.of(process, opOf), 's3://sim/state', clock);
    return s3Backend({ location: 's3://sim/state', s3, settleMs: this.#settleMs, clock, newId, objects });
  }

  isHeldBy(process: SimProcess): boolean {
    return this.#rules.isHeldBy(process.name);
  }

  /** Nobody has to: it comes to an end. */
  unlock(): void {}

  /** What the store has taken in it keeps. */
  powerFailure(): void {}

  #stored({ key, text, by, at, sent }: Stored): void {
    switch (opOf(key)) {
      case 'beat': {
        if (text === undefined) this.#rules.lockRemoved(by.name);
        const former = text === undefined ? undefined : this.#rules.lockWritten(by.name, text, at);
        if (former !== undefined) this.#takenOver(former, by.name);
        return;
      }
      case 'put':
        if (text === undefined) throw new Error('nobody removes a state');
        this.#rules.stateWritten(by.name, at, sent);
        this.#shared.changed(new Map([[STATE, { id: ++this.#writes, durable: Buffer.from(text) }]]), by.name);
        return;
      default:
        return;
    }
  }
}

/** What a write of this object is. */
function opOf(key: string): StoreOp {
  if (key.endsWith('.lock')) return 'beat';
  return key.includes('.test-') ? 'trial' : 'put';
}
