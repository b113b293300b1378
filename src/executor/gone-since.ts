import type { Clock } from '../domain/clock.ts';
import type { Observation } from '../domain/record.ts';

/** Tells a disk or backup that is gone from a "not found" that a gateway or a stale copy answered once. */
export class GoneSince {
  readonly #clock: Clock;
  readonly #settleMs: number;
  /** Monotonic ms. */
  #since: number | undefined;

  constructor(clock: Clock, settleMs: number) {
    this.#clock = clock;
    this.#settleMs = settleMs;
  }

  /** Whether the disk or the backup was not found at this look and at every one before it, for as long as settle takes. */
  forGood({ volume, backup }: Pick<Observation, 'volume' | 'backup'>): boolean {
    return this.note(volume.status === 'gone' || backup.status === 'gone');
  }

  note(gone: boolean): boolean {
    if (!gone) {
      this.#since = undefined;
      return false;
    }
    this.#since ??= this.#clock.monotonic();
    return this.#clock.monotonic() - this.#since >= this.#settleMs;
  }
}
