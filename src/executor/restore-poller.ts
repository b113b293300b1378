import type { Clock } from '../domain/clock.ts';
import { VOLUME_RESTORING } from '../domain/cloud.ts';
import type { PollSettings } from '../domain/config.ts';
import type { Driver } from '../drivers/driver.ts';
import { listInterval, lookInterval, worthAPage } from './poll-intervals.ts';

/** A restore that every list shows as restoring is looked at all the same after so many longest intervals. */
const TRUSTED_INTERVALS = 40;

/**
 * Decides when a restore that is under way is worth a look. A few are looked at one by one, at intervals that
 * grow. Many are watched by one list of the disks being restored, which all of them share: a restore whose disk is in
 * it is not looked at; once the disk has left it, the restore is.
 *
 * A list moves a look and does nothing else: one that is stale or wrong can neither end a restore nor lose one.
 */
export class RestorePoller {
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #poll: PollSettings;
  readonly #stop: AbortSignal;
  readonly #followed = new Set<Followed>();
  readonly #resting = new Set<Followed>();
  /** The list that is being read. */
  #listing: Promise<void> | undefined;
  /** Monotonic ms when the last list was asked for. */
  #listedAt = Number.NEGATIVE_INFINITY;
  /** Of the last list. Infinite: these credentials may not list. */
  #pages = 1;

  constructor(driver: Driver, clock: Clock, poll: PollSettings, stop: AbortSignal) {
    this.#driver = driver;
    this.#clock = clock;
    this.#poll = poll;
    this.#stop = stop;
  }

  /** `onRestoring`: called when a list is the first to show it as restoring. End it with `end()`. */
  follow(volumeId: string, onRestoring: () => void): Followed {
    const now = this.#clock.monotonic();
    const followed: Followed = {
      volumeId: volumeId.toLowerCase(),
      onRestoring,
      followedSince: now,
      polledSince: now,
      restoring: false,
      dueAt: now,
    };
    this.#followed.add(followed);
    return followed;
  }

  end(followed: Followed): void {
    this.#followed.delete(followed);
  }

  /**
   * Resolves when the restore is worth a look, at the latest after `mostMs` and the list that is being read then.
   * `lookMs`: how long the last look took. Rejects with the run's reason to stop.
   */
  async rest(followed: Followed, lookMs: number, mostMs: number): Promise<void> {
    const began = this.#clock.monotonic();
    const interval = lookInterval(began - followed.polledSince, this.#poll);
    // From look to look, so that slow answers do not add up; a cloud that is slower than that gets its rest.
    followed.dueAt = began + Math.max(interval - lookMs, interval / 2);
    const trustedUntil = began + TRUSTED_INTERVALS * this.#poll.max_interval_ms;
    this.#resting.add(followed);
    try {
      for (;;) {
        const listAt = this.#nextListAt;
        const dueAt = listAt !== undefined && followed.restoring ? trustedUntil : followed.dueAt;
        const until = Math.min(dueAt, began + mostMs);
        const now = this.#clock.monotonic();
        if (now >= until) return;
        if (listAt !== undefined && now >= listAt) await this.#list();
        // At least a moment, so that no loop spins.
        else await this.#clock.sleep(Math.max(Math.min(until, listAt ?? until) - now, 1), this.#stop);
      }
    } finally {
      this.#resting.delete(followed);
    }
  }

  /** Monotonic ms; undefined while lists are not worth it. */
  get #nextListAt(): number | undefined {
    if (!worthAPage(this.#followed.size, this.#pages)) return undefined;
    if (this.#listing !== undefined) return this.#listedAt;
    // As they were at the last list: an interval that grew while it is waited for would never quite end.
    const ages = [...this.#followed].map(({ followedSince }) => Math.max(0, this.#listedAt - followedSince));
    return this.#listedAt + listInterval(ages, this.#pages, this.#poll);
  }

  /** One list for all who wait for one. */
  #list(): Promise<void> {
    this.#listing ??= this.#readList().finally(() => {
      this.#listing = undefined;
    });
    return this.#listing;
  }

  async #readList(): Promise<void> {
    const askedAt = this.#clock.monotonic();
    this.#listedAt = askedAt;
    // A restore that begins to rest while the list is on its way may be missing from it.
    const asked = [...this.#resting];
    const listing = await this.#driver.volumes(this.#stop, {
      status: VOLUME_RESTORING,
      // A service that does not filter may have more disks than it is worth to page through.
      goOn: (_, pages) => worthAPage(this.#followed.size, pages),
    });
    if (listing.kind === 'unreadable') {
      if (!listing.retryable) this.#pages = Number.POSITIVE_INFINITY;
      for (const followed of asked) followed.restoring = false;
      return;
    }
    // One that was not read to its end has more pages than it is worth.
    this.#pages = listing.complete ? listing.pages : listing.pages + 1;
    const restoring = new Set(
      listing.values.filter(({ status }) => status === VOLUME_RESTORING).map(({ id }) => id.toLowerCase()),
    );
    for (const followed of asked) {
      if (restoring.has(followed.volumeId)) {
        if (!followed.restoring) followed.onRestoring();
        followed.restoring = true;
        // The list is as good as a look.
        followed.dueAt = askedAt + lookInterval(askedAt - followed.polledSince, this.#poll);
      } else if (followed.restoring) {
        followed.restoring = false;
        if (!listing.complete) continue;
        // Its end is near: from here on it is looked at often again.
        followed.polledSince = this.#clock.monotonic();
        followed.dueAt = followed.polledSince;
      }
    }
  }
}

/** A restore under way, as the poller knows it. */
export interface Followed {
  readonly volumeId: string;
  readonly onRestoring: () => void;
  /** Monotonic ms. */
  readonly followedSince: number;
  /** Monotonic ms from which the intervals of its looks grow. */
  polledSince: number;
  /** The last look at its disk, or the last list, showed it as restoring. */
  restoring: boolean;
  /** Monotonic ms of its next look, unless lists show it as restoring. */
  dueAt: number;
}
