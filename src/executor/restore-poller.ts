import type { Clock } from '../domain/clock.ts';
import { VOLUME_RESTORING } from '../domain/cloud.ts';
import type { PollSettings } from '../domain/config.ts';
import type { Driver } from '../drivers/driver.ts';
import { isListWorthwhile, listInterval, readInterval } from './poll-intervals.ts';

/** A restore is read after this many longest intervals even if every list shows it as restoring. */
const FORCED_READ_INTERVALS = 40;

/**
 * Decides when a running restore is read. A few restores are read one by one, at growing intervals. Many restores share one
 * list of the volumes in status `restoring-backup`: a restore is not read while its volume is in the list, and at once when
 * the volume has left it.
 *
 * A list only decides when a restore is read. So an outdated or wrong list can neither end a restore nor lose one.
 */
export class RestorePoller {
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #poll: PollSettings;
  readonly #stop: AbortSignal;
  readonly #restores = new Set<PolledRestore>();
  readonly #sleeping = new Set<PolledRestore>();
  /** Pending while a list is being read. */
  #listing: Promise<void> | undefined;
  /** When the last list was requested, monotonic ms. */
  #listedAt = Number.NEGATIVE_INFINITY;
  /** Pages of the last list; infinite if these credentials may not list. */
  #pages = 1;

  constructor(driver: Driver, clock: Clock, poll: PollSettings, stop: AbortSignal) {
    this.#driver = driver;
    this.#clock = clock;
    this.#poll = poll;
    this.#stop = stop;
  }

  /** Calls `onRestoring` when a list is the first to show the volume as restoring. To be ended with `remove`. */
  add(volumeId: string, onRestoring: () => void): PolledRestore {
    const now = this.#clock.monotonic();
    const followed: PolledRestore = {
      volumeId: volumeId.toLowerCase(),
      onRestoring,
      addedAt: now,
      polledSince: now,
      restoring: false,
      dueAt: now,
    };
    this.#restores.add(followed);
    return followed;
  }

  remove(followed: PolledRestore): void {
    this.#restores.delete(followed);
  }

  /**
   * Resolves when the restore should be read, at the latest after `maxMs` and the list that is being read then.
   * `readMs`: how long the last read took. Rejects with the reason of a stop.
   */
  async sleepUntilDue(followed: PolledRestore, readMs: number, maxMs: number): Promise<void> {
    const began = this.#clock.monotonic();
    const interval = readInterval(began - followed.polledSince, this.#poll);
    // Counted from the start of the last read, so that slow answers do not add up, but at least half an interval.
    followed.dueAt = began + Math.max(interval - readMs, interval / 2);
    const forcedReadAt = began + FORCED_READ_INTERVALS * this.#poll.max_interval_ms;
    this.#sleeping.add(followed);
    try {
      for (;;) {
        const listAt = this.#nextListAt;
        const dueAt = listAt !== undefined && followed.restoring ? forcedReadAt : followed.dueAt;
        const until = Math.min(dueAt, began + maxMs);
        const now = this.#clock.monotonic();
        if (now >= until) return;
        if (listAt !== undefined && now >= listAt) await this.#list();
        // At least 1 ms, so that no loop spins.
        else await this.#clock.sleep(Math.max(Math.min(until, listAt ?? until) - now, 1), this.#stop);
      }
    } finally {
      this.#sleeping.delete(followed);
    }
  }

  /** When the next list is due, monotonic ms; undefined while lists do not pay. */
  get #nextListAt(): number | undefined {
    if (!isListWorthwhile(this.#restores.size, this.#pages)) return undefined;
    if (this.#listing !== undefined) return this.#listedAt;
    // Ages at the last list: an interval that grows during the wait would hardly end.
    const ages = [...this.#restores].map(({ addedAt: followedSince }) =>
      Math.max(0, this.#listedAt - followedSince),
    );
    return this.#listedAt + listInterval(ages, this.#pages, this.#poll);
  }

  /** Reads a list, or joins the one that is being read. */
  #list(): Promise<void> {
    this.#listing ??= this.#readList().finally(() => {
      this.#listing = undefined;
    });
    return this.#listing;
  }

  async #readList(): Promise<void> {
    const askedAt = this.#clock.monotonic();
    this.#listedAt = askedAt;
    // The list may lack restores that begin to rest while it is read.
    const asked = [...this.#sleeping];
    const listing = await this.#driver.volumes(this.#stop, {
      status: VOLUME_RESTORING,
      // A service that ignores the filter may list too many volumes to page through.
      wantsMore: (_, pages) => isListWorthwhile(this.#restores.size, pages),
    });
    if (listing.kind === 'unreadable') {
      if (!listing.retryable) this.#pages = Number.POSITIVE_INFINITY;
      for (const followed of asked) followed.restoring = false;
      return;
    }
    // A list that was not read to its end has more pages than pay.
    this.#pages = listing.complete ? listing.pages : listing.pages + 1;
    const restoring = new Set(
      listing.values.filter(({ status }) => status === VOLUME_RESTORING).map(({ id }) => id.toLowerCase()),
    );
    for (const followed of asked) {
      if (restoring.has(followed.volumeId)) {
        if (!followed.restoring) followed.onRestoring();
        followed.restoring = true;
        // The list counts as a read.
        followed.dueAt = askedAt + readInterval(askedAt - followed.polledSince, this.#poll);
      } else if (followed.restoring) {
        followed.restoring = false;
        if (!listing.complete) continue;
        // Its end is near: from now on it is read often again.
        followed.polledSince = this.#clock.monotonic();
        followed.dueAt = followed.polledSince;
      }
    }
  }
}

/** A running restore, as the poller knows it. */
interface PolledRestore {
  readonly volumeId: string;
  readonly onRestoring: () => void;
  /** Monotonic ms. */
  readonly addedAt: number;
  /** When the intervals between its reads started to grow, monotonic ms. */
  polledSince: number;
  /** Whether the last read of its volume, or the last list, showed it as restoring. */
  restoring: boolean;
  /** When it is read next unless lists show it as restoring, monotonic ms. */
  dueAt: number;
}
