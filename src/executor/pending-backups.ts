import type { Clock } from '../domain/clock.ts';
import type { Backup } from '../domain/cloud.ts';
import type { Driver } from '../drivers/driver.ts';

/**
 * Backups that are being made right now: VBS refuses to restore into their disks (VolumeBackup.0206), and not every
 * disk shows it. As far as one page tells, and none where it cannot be read: the service itself has the last word.
 * Undefined where the service does not mind.
 */
export async function listPendingBackups(
  driver: Driver,
  signal?: AbortSignal,
): Promise<readonly Backup[] | undefined> {
  if (!driver.traits.refusesDuringBackup) return undefined;
  const listing = await driver.backups(signal, { status: 'creating', goOn: () => false });
  return listing.kind === 'listed' ? listing.values.filter(({ status }) => status === 'creating') : [];
}

/** What is read for one restore serves all that begin within so many ms. */
const FRESH_MS = 5_000;

/** The same for the restores of one run. */
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

  /** Asks already, for whoever will want to know in a moment. */
  soon(): void {
    // A stop is told to who asks.
    this.now().catch(() => {});
  }

  /** Rejects with the run's reason to stop. */
  now(): Promise<readonly Backup[] | undefined> {
    const at = this.#clock.monotonic();
    if (!this.#last || at - this.#last.at > FRESH_MS)
      this.#last = { at, backups: listPendingBackups(this.#driver, this.#stop) };
    return this.#last.backups;
  }
}
