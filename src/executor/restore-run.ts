import { isoTime } from '../domain/clock.ts';
import type { End } from '../domain/events.ts';
import { type Intended, type RestoreRecord, type Running, settleMsOf } from '../domain/record.ts';
import { advance, type RecordEvent, writtenBy } from '../domain/record-transitions.ts';
import { type Readings, readBoth } from './readings.ts';
import type { Run } from './run.ts';

/** One restore in one run, and its record. `commit` makes the next record durable before anything else happens. */
export class RestoreRun {
  readonly run: Run;
  readonly ids: { readonly address: string; readonly volume_id: string; readonly backup_id: string };
  readonly timeoutMs: number;
  /** When the POST was accepted in this run, monotonic ms. */
  acceptedAt: number | undefined;
  /** When this run stops following the restore, monotonic ms. */
  readonly #deadline: number;
  #record: RestoreRecord | undefined;

  constructor(run: Run, ids: RestoreRun['ids'], record: RestoreRecord | undefined, timeoutMs: number) {
    this.run = run;
    this.ids = ids;
    this.#record = record;
    this.timeoutMs = timeoutMs;
    this.#deadline = run.clock.monotonic() + timeoutMs;
  }

  get record(): RestoreRecord | undefined {
    return this.#record;
  }

  /** Resolves once the next record is durable. Rejects if the state cannot be written: then nothing more is sent. */
  async commit(event: RecordEvent): Promise<void> {
    const next = writtenBy(advance(this.#record, event), this.run.planDigest);
    this.#record = next;
    try {
      // Rule: record-is-durable-before-its-event
      await this.run.slowWrites.watch(this.run.lease.commit([{ type: 'record', record: next }]));
    } catch (error) {
      // Rule: unsaved-record-is-reported
      this.run.unsaved.set(next.address, next);
      throw error;
    }
  }

  /** `signal`: default the stop of the run. */
  readBoth(signal: AbortSignal = this.run.stop): Promise<Readings> {
    return readBoth(this.run.driver, this.run.clock, this.ids, signal);
  }

  /** How long a request of this restore may still take effect. */
  get settleMs(): number {
    return settleMsOf(this.#record, this.run.settings.retry.settle_ms);
  }

  now(): string {
    return isoTime(this.run.clock.now());
  }

  get timeLeftMs(): number {
    return Math.max(this.#deadline - this.run.clock.monotonic(), 0);
  }

  get timeIsUp(): boolean {
    return this.timeLeftMs === 0;
  }

  /** Sleeps, but not past the deadline, and at least 1 ms so that no loop spins. */
  async pause(ms: number): Promise<void> {
    await this.run.clock.sleep(Math.max(Math.min(ms, this.timeLeftMs), 1), this.run.stop);
  }
}

/** The end of a restore in this run, if its record holds it. Throws an Error without a record: that is a bug of the caller. */
export function endOf({ record }: RestoreRun): End & { readonly kind: 'recorded' } {
  if (!record) throw new Error('nothing was recorded');
  return { kind: 'recorded', record };
}

/** Throws an Error in any other status: that is a bug of the caller. */
export function assertIntended({ record }: RestoreRun): Intended {
  if (record?.status !== 'intended') throw new Error('not intended');
  return record;
}

/** Throws an Error in any other status: that is a bug of the caller. */
export function assertRunning({ record }: RestoreRun): Running {
  if (record?.status !== 'running') throw new Error('not running');
  return record;
}
