import type { Clock } from '../domain/clock.ts';
import type { Backup } from '../domain/cloud.ts';
import type { Driver } from '../drivers/driver.ts';

/**
 * Lists the backups that are being made. VBS refuses to restore into their volumes (VolumeBackup.0206), and not every volume
 * shows it. Reads one page at most, and returns none if it cannot be read: the service decides in the end. Undefined if the
 * service does not refuse.
 */
export async function listPendingBackups(
  driver: Driver,
  signal?: AbortSignal,
): Promise<readonly Backup[] | undefined> {
  if (!driver.traits.refusesDuringBackup) return undefined;
  const listing = await driver.backups(signal, {
    status: 'creating',
    wantsMore: () => false,
    onUnreadable: () => {},
  });
  return listing.kind === 'listed' ? listing.values.filter(({ status }) => status === 'creating') : [];
}

/** One list serves all restores that begin within this time. */
const FRESH_MS = 5_000;

/** Shares the list among the restores of one run. */
export class PendingBackups {
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #stop: AbortSignal;
  #last: { readonly at: number; readonly backups: Promise<readonly Backup[] | undefined> } | undefined;

  constructor(driver: Driver, clock: Clock, stop: AbortSignal) {
    this.#driver = driver;
    this.#clock = clock;
    this.#stop = stop;
  }

  /** Starts to read the list, so that `read` resolves sooner. */
  prefetch(): void {
    // The callers of `read` get the reason of a stop.
    this.read().catch(() => {});
  }

  /** Rejects with the run's reason to stop. */
  read(): Promise<readonly Backup[] | undefined> {
    const at = this.#clock.monotonic();
    if (!this.#last || at - this.#last.at > FRESH_MS)
      this.#last = { at, backups: listPendingBackups(this.#driver, this.#stop) };
    return this.#last.backups;
  }
}
