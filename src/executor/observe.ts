import type { Backup, Reading, Volume } from '../domain/cloud.ts';
import { error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import type { ObservationNeeds, Observations } from '../domain/observations.ts';
import type { Driver, Listing, ListWish } from '../drivers/driver.ts';
import { backupsBeingMade } from './being-made.ts';
import { worthAPage } from './thrift.ts';

/** Reads under way at once; the request budget bounds their rate. */
const READS_AT_ONCE = 10;

/** Looks at what a plan needs to know. Throws a `cloud` Failure when a list it cannot do without is unreadable. */
export async function observe(driver: Driver, needs: ObservationNeeds): Promise<Observations> {
  const nothing = !needs.all_volumes && needs.volume_ids.size === 0;
  const [volumes, backups, beingMade] = await Promise.all([
    readAll(
      'disks',
      needs.volume_ids,
      needs.all_volumes,
      (wish: ListWish<Volume>) => driver.volumes(undefined, wish),
      (id) => driver.volume(id),
    ),
    readAll(
      'backups',
      needs.backup_ids,
      needs.all_backups,
      (wish: ListWish<Backup>) => driver.backups(undefined, wish),
      (id) => driver.backup(id),
    ),
    nothing ? undefined : backupsBeingMade(driver),
  ]);
  return {
    volumes: volumes.readings,
    backups: backups.readings,
    ...(volumes.list ? { volume_list: volumes.list } : {}),
    ...(backups.list ? { backup_list: backups.list } : {}),
    ...(beingMade ? { being_made: beingMade } : {}),
  };
}

/** Goes on with a list while what is still missing is worth another page. */
function until<T>(ids: ReadonlySet<string>): ListWish<T> {
  return {
    goOn: (found, pages) => worthAPage([...ids].filter((id) => !found.has(id)).length, pages),
  };
}

async function readAll<T extends { readonly id: string }>(
  what: string,
  ids: ReadonlySet<string>,
  all: boolean,
  list: (wish: ListWish<T>) => Promise<Listing<T>>,
  get: (id: string) => Promise<Reading<T>>,
): Promise<{ readings: Map<string, Reading<T>>; list?: readonly T[] }> {
  const readings = new Map<string, Reading<T>>();
  let complete: readonly T[] | undefined;
  if (all || worthAPage(ids.size, 1)) {
    const listing = await list(all ? {} : until(ids));
    if (listing.kind === 'listed') {
      for (const value of listing.values) readings.set(value.id, { kind: 'found', value });
      if (all) complete = listing.values;
    } else if (all) {
      throw new Failure(
        'cloud',
        error('list-unreadable', `the list of ${what} cannot be read: ${listing.failure.message}`, {
          ...(listing.failure.request_id ? { detail: `request id ${listing.failure.request_id}` } : {}),
          remedy: listing.retryable ? 'try again in a moment' : 'check that these credentials may list them',
        }),
      );
    }
  }
  // What a list does not show is asked for by name: lists may be stale, and hide what is shared.
  const missing = [...ids].filter((id) => !readings.has(id));
  const next = missing.values();
  const worker = async () => {
    for (const id of next) readings.set(id, await get(id));
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, worker));
  return { readings, ...(complete ? { list: complete } : {}) };
}
