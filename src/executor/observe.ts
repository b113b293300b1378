import type { Reading } from '../domain/cloud.ts';
import { error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import type { ObservationNeeds, Observations } from '../domain/observations.ts';
import type { Driver, Listing } from '../drivers/driver.ts';

/** Beyond so many ids, reading every page of a list costs fewer requests than reading each. */
const LIST_INSTEAD_OF = 50;
/** Reads under way at once; the request budget bounds their rate. */
const READS_AT_ONCE = 10;

/** Looks at what a plan needs to know. Throws a `cloud` Failure when a list it cannot do without is unreadable. */
export async function observe(driver: Driver, needs: ObservationNeeds): Promise<Observations> {
  const [volumes, backups] = await Promise.all([
    readAll(
      'disks',
      needs.volume_ids,
      needs.all_volumes,
      () => driver.volumes(),
      (id) => driver.volume(id),
    ),
    readAll(
      'backups',
      needs.backup_ids,
      needs.all_backups,
      () => driver.backups(),
      (id) => driver.backup(id),
    ),
  ]);
  return {
    volumes: volumes.readings,
    backups: backups.readings,
    ...(volumes.list ? { volume_list: volumes.list } : {}),
    ...(backups.list ? { backup_list: backups.list } : {}),
  };
}

async function readAll<T extends { readonly id: string }>(
  what: string,
  ids: ReadonlySet<string>,
  all: boolean,
  list: () => Promise<Listing<T>>,
  get: (id: string) => Promise<Reading<T>>,
): Promise<{ readings: Map<string, Reading<T>>; list?: readonly T[] }> {
  const readings = new Map<string, Reading<T>>();
  let complete: readonly T[] | undefined;
  if (all || ids.size > LIST_INSTEAD_OF) {
    const listing = await list();
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
