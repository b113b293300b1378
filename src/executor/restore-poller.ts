import type { Clock } from '../domain/clock.ts';
import { VOLUME_RESTORING } from '../domain/cloud.ts';
import type { PollSettings } from '../domain/config.ts';
import type { Driver } from '../drivers/driver.ts';
import { lookInterval, nextList, PAGE_IS_WORTH, worthAPage } from './poll-intervals.ts';
import { UsualTime } from './typical-duration.ts';

/** A restore that every list shows as under way is looked at all the same after so many longest intervals. */
const TRUSTED_INTERVALS = 40;

/**
 * Decides when a restore that is under way is worth a look. A few are looked at one by one, at intervals that
 * grow. Many are watched by one list of the disks being restored: while a disk is in it, nothing need be asked; once
 * it has left the list, the restore is looked at.
 *
 * What a list shows moves a look, and does nothing else: a stale or wrong list can neither end a restore nor
 * lose one.
 */
export class RestorePoller {
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #poll: PollSettings;
  readonly #stop: AbortSignal;
  readonly #followed = new Set<Followed>();
  readonly #sleep = new WakefulSleep();
  readonly #usualTime = new UsualTime();
  #listing = false;
  #listedAt = Number.NEGATIVE_INFINITY;
  /** Of the last list. */
  #pages = 1;
  /** These credentials may not list. */
  #forbidden = false;

  constructor(driver: Driver, clock: Clock, poll: PollSettings, stop: AbortSignal) {
    this.#driver = driver;
    this.#clock = clock;
    this.#poll = poll;
    this.#stop = stop;
  }

  /** `onRestoring`: told when a list is the first to show it under way. End it with `end()`. */
  follow(volumeId: string, onRestoring: () => void): Followed {
    const followed = new Followed(volumeId, onRestoring, this.#clock.monotonic());
    this.#followed.add(followed);
    return followed;
  }

  end(followed: Followed): void {
    this.#followed.delete(followed);
    this.#sleep.wake();
  }

  /**
   * Resolves when the restore is worth a look, at the latest after `mostMs`. `lookMs`: how long the last look
   * took. Rejects with the run's reason to stop.
   */
  async rest(followed: Followed, lookMs: number, mostMs: number): Promise<void> {
    const began = this.#clock.monotonic();
    const wished = this.#wished(followed, began);
    // From look to look, so that slow answers do not add up; a cloud that is slower than that gets its rest.
    const due = began + Math.max(wished - lookMs, wished / 2);
    await this.#restUntil(followed, due, began + mostMs);
  }

  /** The same for one that has not been looked at in this run: a list that comes soon may save the look. */
  async restUnseen(followed: Followed, mostMs: number): Promise<void> {
    // All that a run takes up at once are counted then.
    await this.#clock.sleep(1, this.#stop);
    if (!this.#byList) return;
    followed.shown = 'unseen';
    // How long it has been under way nobody knows.
    followed.began = undefined;
    const now = this.#clock.monotonic();
    await this.#restUntil(followed, now + this.#poll.max_interval_ms, now + mostMs);
  }

  async #restUntil(followed: Followed, due: number, latest: number): Promise<void> {
    followed.left = false;
    followed.resting = true;
    // One more makes lists due earlier.
    this.#sleep.wake();
    const trusted = this.#clock.monotonic() + TRUSTED_INTERVALS * this.#poll.max_interval_ms;
    // A list that showed it is as good as a look, also when it was the last.
    const alone = () => Math.max(due, followed.shownAt + this.#wished(followed, followed.shownAt));
    try {
      for (;;) {
        if (followed.left) return;
        if (this.#byList && !this.#listing) void this.#list();
        const until = Math.min(this.#byList && followed.shown === 'restoring' ? trusted : alone(), latest);
        const left = until - this.#clock.monotonic();
        if (left <= 0) return;
        await followed.sleep.sleep(Math.max(left, 1), this.#clock, this.#stop);
      }
    } finally {
      followed.resting = false;
    }
  }

  /** Ms to its next look from one at `at`: it is not waited for beyond what is usual, but once. */
  #wished(followed: Followed, at: number): number {
    const interval = lookInterval(at - followed.since, this.#poll);
    const { usual } = this.#usualTime;
    if (followed.began === undefined || usual === undefined) return interval;
    const left = followed.began + usual.latest_ms - at;
    return left > 0 ? Math.min(interval, Math.max(left, this.#poll.min_interval_ms / 20)) : interval;
  }

  get #byList(): boolean {
    return !this.#forbidden && worthAPage(this.#followed.size, this.#pages);
  }

  /** One list after the other while there is somebody to whom they are of use. */
  async #list(): Promise<void> {
    this.#listing = true;
    try {
      while (this.#byList && this.#resting.length > 0) {
        const wait = this.#listedAt + this.#interval - this.#clock.monotonic();
        if (wait > 0) await this.#sleep.sleep(Math.max(wait, 1), this.#clock, this.#stop);
        else await this.#round();
      }
    } catch (error) {
      // Whoever rests is told to stop by the same signal.
      if (!this.#stop.aborted) throw error;
    } finally {
      this.#listing = false;
      for (const followed of this.#resting) followed.sleep.wake();
    }
  }

  async #round(): Promise<void> {
    this.#listedAt = this.#clock.monotonic();
    const asked = this.#resting;
    const listing = await this.#driver.volumes(this.#stop, {
      status: VOLUME_RESTORING,
      // A service that does not filter may have more disks than it is worth to page through.
      goOn: (_, pages) => worthAPage(this.#followed.size, pages),
    });
    if (listing.kind === 'unreadable') {
      this.#forbidden ||= !listing.retryable;
      for (const followed of asked) followed.unknown();
    } else {
      this.#pages = listing.complete ? listing.pages : Math.ceil(this.#followed.size / PAGE_IS_WORTH);
      const restoring = new Set(
        listing.values.filter(({ status }) => status === VOLUME_RESTORING).map(({ id }) => id.toLowerCase()),
      );
      for (const followed of asked) {
        const took = followed.heard(restoring, listing.complete, this.#listedAt, this.#clock.monotonic());
        if (took) this.#usualTime.saw(took.at_least_ms, took.at_most_ms);
      }
    }
  }

  get #resting(): Followed[] {
    return [...this.#followed].filter(({ resting }) => resting);
  }

  get #interval(): number {
    const now = this.#clock.monotonic();
    const resting = this.#resting;
    if (resting.some(({ shown }) => shown === 'unseen')) return this.#poll.min_interval_ms / 2;
    return nextList(
      resting.map(({ since }) => now - since),
      this.#pages,
      this.#poll,
      this.#usualTime.usual,
      now - this.#listedAt,
    );
  }
}

/** One restore under way, as the restorePoller sees it. */
export class Followed {
  readonly volumeId: string;
  /** Monotonic ms since when it is looked at in growing intervals. */
  since: number;
  /** Monotonic ms of its yes; unknown of what an earlier run began. */
  began: number | undefined;
  /** Monotonic ms when the last list was asked for that showed it. */
  shownAt: number;
  /** What was last heard of its disk, by a list or by a look: being restored, or not known to be. */
  shown: 'restoring' | 'no' | 'unseen' = 'no';
  resting = false;
  /** A list no longer shows it. */
  left = false;
  readonly sleep = new WakefulSleep();
  readonly #onRestoring: () => void;

  constructor(volumeId: string, onRestoring: () => void, now: number) {
    this.volumeId = volumeId.toLowerCase();
    this.#onRestoring = onRestoring;
    this.since = now;
    this.began = now;
    this.shownAt = now;
  }

  /**
   * What a list says of it that was asked for at `askedAt`; how long it took, if it is over. Wakes it
   * only where that brings its next look forward: what goes on as it was costs nothing.
   */
  heard(
    restoring: ReadonlySet<string>,
    complete: boolean,
    askedAt: number,
    now: number,
  ): { readonly at_least_ms: number; readonly at_most_ms: number } | undefined {
    if (restoring.has(this.volumeId)) {
      if (this.shown !== 'restoring') this.#onRestoring();
      this.shown = 'restoring';
      this.shownAt = askedAt;
      return undefined;
    }
    // It was never there, as far as is known: it may not have begun yet.
    if (this.shown === 'no') return undefined;
    this.unknown();
    if (!complete) return undefined;
    this.left = true;
    // Its end is near: from here on it is looked at often again.
    this.since = now;
    if (this.began === undefined) return undefined;
    return { at_least_ms: this.shownAt - this.began, at_most_ms: now - this.began };
  }

  /** Nothing is known of it by lists any more. */
  unknown(): void {
    this.shown = 'no';
    this.sleep.wake();
  }
}

/** A sleep that others can cut short. */
class WakefulSleep {
  #awake: AbortController | undefined;

  wake(): void {
    this.#awake?.abort(AWAKE);
  }

  /** Rejects with the signal's reason. */
  async sleep(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const awake = new AbortController();
    this.#awake = awake;
    const onStop = () => awake.abort(signal.reason);
    signal.addEventListener('abort', onStop, { once: true });
    try {
      await clock.sleep(ms, awake.signal);
    } catch (reason) {
      if (reason !== AWAKE) throw reason;
    } finally {
      signal.removeEventListener('abort', onStop);
      this.#awake = undefined;
    }
  }
}

const AWAKE = new Error('woken');
