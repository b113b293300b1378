import type { Clock } from '../../src/domain/clock.ts';
import type { SimClock } from './sim-clock.ts';
import type { DiskTrouble } from './sim-disk.ts';

/** What a process asks of the world outside itself. */
export type Op =
  | 'token'
  | 'get'
  | 'post'
  | 'sleep'
  | 'lock'
  | 'read'
  | 'replace'
  | 'create'
  | 'write'
  | 'sync'
  | 'remove'
  | StoreOp;

/**
 * What it asks of a bucket: to `fetch` or `delete` an object, to `put` the state, to `beat` (write its lock, first or
 * again), and the `trial` of what the store does with conditions.
 */
export type StoreOp = 'fetch' | 'put' | 'beat' | 'trial' | 'delete';

/** The n-th (from 1) time that it asks for something; `any`: for anything. */
export interface Point {
  readonly op: Op | 'any';
  readonly nth: number;
  /** Before it takes effect, or after it did and before the process hears of it. */
  readonly when: 'before' | 'after';
}

export type ProcessFault =
  | { readonly kind: 'die'; readonly at: Point }
  /** The power fails; `keep` of what was not synced is there afterwards. */
  | { readonly kind: 'power'; readonly at: Point; readonly keep: number }
  /**
   * SIGSTOP; an operator takes it for dead after `takeover_ms`, if that is given. It wakes up after `for_ms`, or
   * `wake_ms` after its lock was taken over, if that is given and comes first. `asleep`: the whole machine slept, and
   * its monotonic clock stood still.
   */
  | {
      readonly kind: 'freeze';
      readonly at: Point;
      readonly for_ms: number;
      readonly takeover_ms?: number;
      readonly wake_ms?: number;
      readonly asleep?: boolean;
    }
  | ({
      readonly kind: 'disk';
      readonly op: 'replace' | 'write' | 'sync' | 'remove';
      readonly nth: number;
    } & DiskTrouble)
  /** Full from the n-th write on. */
  | { readonly kind: 'full'; readonly nth: number }
  /** Nothing listens for this one request. */
  | { readonly kind: 'refused'; readonly op: 'get' | 'post' | 'token'; readonly nth: number };

export interface Machine {
  readonly name: string;
  /** What its wall clock shows beyond the true time, ms. */
  skewMs: number;
}

/**
 * One process of vbsctl. All that it does outside itself goes through `io`, so it can die or freeze there; a dead
 * one hears of nothing any more, its promises are pending for ever.
 */
export class SimProcess {
  readonly name: string;
  readonly machine: Machine;
  readonly clock: Clock;
  /** Somebody pressed Ctrl-C. */
  readonly stop = new AbortController();
  readonly died: Promise<void>;
  /** Somebody took it for dead. */
  readonly takenOver: Promise<void>;
  #processFaults: readonly ProcessFault[];
  readonly #simClock: SimClock;
  readonly #onFault: (fault: ProcessFault, process: SimProcess) => void;
  readonly #counts = new Map<string, number>();
  readonly #diskCounts = new Map<string, number>();
  #dead = false;
  #full = false;
  /** How much its monotonic clock does not know of, ms. */
  #slept = 0;
  #frozen: Promise<void> | undefined;
  #wake: { readonly afterMs: number; readonly up: () => void } | undefined;
  #die: () => void = () => {};
  #takeOver: () => void = () => {};

  constructor(
    name: string,
    machine: Machine,
    simClock: SimClock,
    processFaults: readonly ProcessFault[],
    onFault: (fault: ProcessFault, process: SimProcess) => void,
  ) {
    this.name = name;
    this.machine = machine;
    this.#simClock = simClock;
    this.#processFaults = processFaults;
    this.#onFault = onFault;
    this.died = new Promise((resolve) => {
      this.#die = resolve;
    });
    this.takenOver = new Promise((resolve) => {
      this.#takeOver = resolve;
    });
    this.clock = {
      now: () => simClock.now() + machine.skewMs,
      monotonic: () => simClock.monotonic() - this.#slept,
      sleep: (ms, signal) => this.io('sleep', () => simClock.sleep(ms, signal)),
    };
  }

  get isDead(): boolean {
    return this.#dead;
  }

  get isFrozen(): boolean {
    return this.#frozen !== undefined;
  }

  kill(): void {
    this.#dead = true;
    this.#die();
  }

  freeze({ for_ms, takeover_ms, wake_ms, asleep }: Extract<ProcessFault, { kind: 'freeze' }>): void {
    const since = this.#simClock.monotonic();
    const woken = new Promise<void>((up) => {
      this.#wake = wake_ms === undefined ? undefined : { afterMs: wake_ms, up };
    });
    const thaw = Promise.race([this.#simClock.sleep(for_ms), woken]).then(() => {
      if (this.#frozen !== thaw) return;
      this.#frozen = undefined;
      if (asleep) this.#slept += this.#simClock.monotonic() - since;
    });
    this.#frozen = thaw;
    if (takeover_ms !== undefined) void this.#simClock.sleep(takeover_ms).then(this.#takeOver);
  }

  /** Its lock was taken over. */
  lostLock(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    if (wake) void this.#simClock.sleep(wake.afterMs).then(wake.up);
  }

  async io<T>(op: Op, work: () => Promise<T>): Promise<T> {
    const nth = this.#count(op);
    const nthOfAny = this.#count('any');
    await this.#point(op, nth, nthOfAny, 'before');
    let outcome: { readonly value: T } | { readonly error: unknown };
    try {
      outcome = { value: await work() };
    } catch (error) {
      outcome = { error };
    }
    await this.#point(op, nth, nthOfAny, 'after');
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  /** Asked by the disk at each operation that can fail. */
  diskTrouble(op: 'replace' | 'write' | 'sync' | 'remove'): DiskTrouble | undefined {
    const nth = (this.#diskCounts.get(op) ?? 0) + 1;
    this.#diskCounts.set(op, nth);
    for (const fault of this.#processFaults) {
      if (fault.kind === 'disk' && fault.op === op && fault.nth === nth) {
        this.#onFault(fault, this);
        return fault;
      }
      if (fault.kind === 'full' && op === 'write' && nth >= fault.nth && !this.#full) {
        this.#full = true;
        this.#onFault(fault, this);
      }
    }
    return this.#full && op !== 'remove' ? { code: 'ENOSPC', part: 0.5, kept: true } : undefined;
  }

  /** Asked by the network: whether nothing listens for this request. */
  isRefused(op: 'get' | 'post' | 'token'): boolean {
    const nth = this.#counts.get(op) ?? 0;
    const fault = this.#processFaults.find((f) => f.kind === 'refused' && f.op === op && f.nth === nth);
    if (fault) this.#onFault(fault, this);
    return fault !== undefined;
  }

  #count(op: Op | 'any'): number {
    const nth = (this.#counts.get(op) ?? 0) + 1;
    this.#counts.set(op, nth);
    return nth;
  }

  async #point(op: Op, nth: number, nthOfAny: number, when: Point['when']): Promise<void> {
    if (!this.#dead) {
      for (const fault of this.#processFaults) {
        if (fault.kind !== 'die' && fault.kind !== 'power' && fault.kind !== 'freeze') continue;
        const { at } = fault;
        if (at.when !== when || !(at.op === 'any' ? at.nth === nthOfAny : at.op === op && at.nth === nth))
          continue;
        this.#processFaults = this.#processFaults.filter((other) => other !== fault);
        if (fault.kind === 'freeze') this.freeze(fault);
        else this.kill();
        this.#onFault(fault, this);
        break;
      }
    }
    while (this.#frozen && !this.#dead) await this.#frozen;
    if (this.#dead) await new Promise<never>(() => {});
  }
}
