import type { Clock } from '../domain/clock.ts';
import type { PollSettings } from '../domain/config.ts';

/** A page of a list is a larger request than a single read: it pays if it replaces more single reads than this. */
const READS_PER_PAGE = 4;

/**
 * Whether a list, or one more page of it, pays while so many things are still to be read. A caller that asks before each
 * page reads at most one page for a thousand things, and at worst a quarter more requests than by single reads alone.
 */
export function isListWorthwhile(missing: number, pages: number): boolean {
  return missing > READS_PER_PAGE * pages;
}

/**
 * Ms until the next read of a restore of this age: `min_interval + age / 8`, at most `max_interval`. So the end is noticed
 * late by at most that. With the default 2 s and 30 s, a restore of one minute is noticed at most 9.5 s late.
 */
export function readInterval(ageMs: number, poll: PollSettings): number {
  return Math.min(poll.min_interval_ms + ageMs / 8, poll.max_interval_ms);
}

/**
 * Ms between two lists that replace single reads of restores of these ages. With `share = READS_PER_PAGE * pages / restores`
 * (at most 1):
 *
 * - usually `mean age / 12`;
 * - at least `readInterval(mean age) * share`, or the lists would cost more than single reads;
 * - at most `max_interval * sqrt(share)`: the more restores share a list, the less it costs each of them.
 *
 * Example: 100 restores of 4 minutes, on one page: 20 s, but at most `30 s * sqrt(4 / 100)` = 6 s. Measurements are in
 * docs/performance.md.
 *
 * @param agesMs not empty
 * @param pages of one list
 */
export function listInterval(agesMs: readonly number[], pages: number, poll: PollSettings): number {
  const meanMs = agesMs.reduce((sum, age) => sum + age, 0) / agesMs.length;
  const share = Math.min(1, (READS_PER_PAGE * pages) / agesMs.length);
  const shortestMs = readInterval(meanMs, poll) * share;
  return Math.min(Math.max(meanMs / 12, shortestMs), poll.max_interval_ms * Math.sqrt(share));
}

/** Returns intervals that grow from `min_interval_ms` to `max_interval_ms`, each half as long again as the one before. */
export function growingInterval({ min_interval_ms, max_interval_ms }: PollSettings): () => number {
  let next = min_interval_ms;
  return () => {
    const interval = next;
    next = Math.min(max_interval_ms, next * 1.5);
    return interval;
  };
}

/** When volume and backup are read again while a request may still take effect. Starts when it is created. */
export class PollSchedule {
  readonly #clock: Clock;
  readonly #began: number;
  readonly #interval: () => number;

  constructor(clock: Clock, poll: PollSettings) {
    this.#clock = clock;
    this.#began = clock.monotonic();
    this.#interval = growingInterval(poll);
  }

  get sinceMs(): number {
    return this.#clock.monotonic() - this.#began;
  }

  /** Sleeps until the next read, or for the `leftMs` of the waiting time if that is shorter and above 0. */
  async pause(leftMs: number, signal?: AbortSignal): Promise<void> {
    const interval = this.#interval();
    await this.#clock.sleep(leftMs > 0 ? Math.min(interval, leftMs) : interval, signal);
  }
}
