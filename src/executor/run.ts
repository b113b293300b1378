import type { Clock } from '../domain/clock.ts';
import { isoTime } from '../domain/clock.ts';
import type { ApplySettings, HttpSettings, Policy, PollSettings, RetrySettings } from '../domain/config.ts';
import type { ApplyEvent, End, NotStarted, WithoutTime } from '../domain/events.ts';
import type { Waiver } from '../domain/policy.ts';
import { type Intended, type RestoreRecord, type Running, settleMsOf } from '../domain/record.ts';
import { advance, type RecordEvent, writtenBy } from '../domain/record-transitions.ts';
import type { Address } from '../domain/spec.ts';
import type { Driver } from '../drivers/driver.ts';
import type { Lease } from '../state/backend.ts';
import type { PendingBackups } from './pending-backups.ts';
import { look, type Readings } from './readings.ts';
import type { RestorePoller } from './restore-poller.ts';
import type { SlowWrites } from './slow-writes.ts';

/**
 * How far a run goes. `finish`: starts restores and follows them to the end. `no_wait` (`--no-wait`): starts what is ready,
 * and ends once the cloud has accepted it. `follow`: brings open restores to their end, and starts nothing.
 */
export type RunMode = 'finish' | 'no_wait' | 'follow';

/** What every restore of one run shares. */
export interface Run {
  readonly driver: Driver;
  readonly lease: Lease;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly settings: RunSettings;
  readonly mode: RunMode;
  readonly emit: (event: WithoutTime<ApplyEvent>) => void;
  /** Aborted when nothing new may start and what waits must stop waiting: a person asked, or the state is lost. */
  readonly stop: AbortSignal;
  /** Aborted only when a person asked: then not even the answer of a request under way is waited for long. */
  readonly hurry: AbortSignal;
  /** Steps that could not be made durable. */
  readonly unsaved: Map<Address, RestoreRecord>;
  /** Why no POST may leave any more in this run, if so. */
  readonly closed: () => { readonly code: NotStarted; readonly reason: string } | undefined;
  /** Takes the job for this restore; false if it was another's: a job does one restore. */
  readonly claimJob: (id: string) => boolean;
  /** Whether what stands at this address is restored, as what depends on it needs. */
  readonly isRestored: (address: Address) => boolean;
  readonly slowWrites: SlowWrites;
  readonly lag: LagMeter;
  readonly restorePoller: RestorePoller;
  readonly pendingBackups: PendingBackups;
  /** Limits of the policy that a person lifted for this run. */
  readonly waivers: ReadonlySet<Waiver>;
  /** Of the saved plan that is applied, if one is. */
  readonly planDigest: string | undefined;
}

export interface RunSettings {
  readonly apply: ApplySettings;
  readonly retry: RetrySettings;
  readonly poll: PollSettings;
  readonly http: HttpSettings;
  readonly policy: Policy;
}

/** The longest time seen in this run between a yes and the disk showing `restoring-backup`. */
export class LagMeter {
  #longest = 0;
  get longestMs(): number {
    return this.#longest;
  }
  saw(lagMs: number): void {
    this.#longest = Math.max(this.#longest, lagMs);
  }
}

/** One restore under way: its record, and the steps that make the next one durable before anything else happens. */
export class RestoreRun {
  readonly run: Run;
  readonly ids: { readonly address: string; readonly volume_id: string; readonly backup_id: string };
  /** Monotonic ms after which this run follows it no longer. */
  readonly deadline: number;
  readonly timeoutMs: number;
  /** Monotonic ms of the yes, when it came in this run. */
  acceptedAt: number | undefined;
  #record: RestoreRecord | undefined;

  constructor(run: Run, ids: RestoreRun['ids'], record: RestoreRecord | undefined, timeoutMs: number) {
    this.run = run;
    this.ids = ids;
    this.#record = record;
    this.timeoutMs = timeoutMs;
    this.deadline = run.clock.monotonic() + timeoutMs;
  }

  get record(): RestoreRecord | undefined {
    return this.#record;
  }

  /** Resolves once the next record is durable. Rejects when the state cannot be written: then nothing more is sent. */
  async step(event: RecordEvent): Promise<void> {
    const next = writtenBy(advance(this.#record, event), this.run.planDigest);
    this.#record = next;
    try {
      // Rule: step-is-durable-first
      await this.run.slowWrites.watch(this.run.lease.commit([{ type: 'record', record: next }]));
    } catch (error) {
      // Rule: step-that-is-not-saved-is-told
      this.run.unsaved.set(next.address, next);
      throw error;
    }
  }

  look(): Promise<Readings> {
    return look(this.run.driver, this.run.clock, this.ids, this.run.stop);
  }

  /** How long a request for it may still take effect. */
  get settleMs(): number {
    return settleMsOf(this.#record, this.run.settings.retry.settle_ms);
  }

  now(): string {
    return isoTime(this.run.clock.now());
  }

  get timeLeftMs(): number {
    return Math.max(this.deadline - this.run.clock.monotonic(), 0);
  }

  get timeIsUp(): boolean {
    return this.timeLeftMs === 0;
  }

  /** Sleeps, but never past the deadline; at least a moment so that no loop spins. */
  async pause(ms: number): Promise<void> {
    await this.run.clock.sleep(Math.max(Math.min(ms, this.timeLeftMs), 1), this.run.stop);
  }
}

/** The end of a run that goes no further with it than its record says. */
export function recorded({ record }: RestoreRun): End & { readonly kind: 'recorded' } {
  if (!record) throw new Error('nothing was recorded');
  return { kind: 'recorded', record };
}

/** Throws an Error in any other status: that is a bug of the caller. */
export function intended({ record }: RestoreRun): Intended {
  if (record?.status !== 'intended') throw new Error('not intended');
  return record;
}

/** Throws an Error in any other status: that is a bug of the caller. */
export function running({ record }: RestoreRun): Running {
  if (record?.status !== 'running') throw new Error('not running');
  return record;
}
