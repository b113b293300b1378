import type { Backup, Reading, Volume } from '../domain/cloud.ts';
import { listUnreadable } from '../domain/list-unreadable.ts';
import type { ObservationNeeds, Observations } from '../domain/observations.ts';
import type { Driver, Listing, ListWish } from '../drivers/driver.ts';
import { listPendingBackups } from '../executor/pending-backups.ts';
import { worthAPage } from '../executor/poll-intervals.ts';

/** Reads under way at once; the request budget bounds their rate. */
const READS_AT_ONCE = 10;
/**
 * After so many single reads in a row that found nothing the rest is not asked for: a manifest may name any number of
 * things that do not exist.
 */
const FRUITLESS_MAX = 20;

/** Looks at what a plan needs to know. Throws a `cloud` Failure when a list it cannot do without is unreadable. */
export async function observe(driver: Driver, needs: ObservationNeeds): Promise<Observations> {
  const nothing = !needs.all_volumes && needs.volume_ids.size === 0;
  const [volumes, backups, pendingBackups] = await Promise.all([
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
    nothing ? undefined : listPendingBackups(driver),
  ]);
  return {
    volumes: volumes.readings,
    backups: backups.readings,
    ...(volumes.list ? { volume_list: volumes.list } : {}),
    ...(backups.list ? { backup_list: backups.list } : {}),
    ...(pendingBackups ? { pending_backups: pendingBackups } : {}),
  };
}

/** Goes on with a list while what is still missing is worth another page. */
function until<T extends { readonly id: string }>(ids: ReadonlySet<string>): ListWish<T> {
  const missing = new Set(ids);
  return {
    goOn: (page, pages) => {
      for (const { id } of page) missing.delete(id);
      return worthAPage(missing.size, pages);
    },
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
  let isComplete = false;
  let whole: readonly T[] | undefined;
  if (all || worthAPage(ids.size, 1)) {
    const listing = await list(all ? {} : until(ids));
    if (listing.kind === 'listed') {
      for (const value of listing.values) readings.set(value.id, { kind: 'found', value });
      isComplete = listing.complete;
      if (all) whole = listing.values;
    } else if (all) {
      throw listUnreadable(what, listing);
    }
  }
  // What a list does not show is asked for by name: lists may be stale, and hide what is shared.
  const missing = [...ids].filter((id) => !readings.has(id));
  const next = missing.values();
  let fruitless = 0;
  let mayGoBetter = false;
  const worker = async () => {
    while (fruitless < FRUITLESS_MAX) {
      const { value: id, done } = next.next();
      if (done) return;
      const reading = await get(id);
      readings.set(id, reading);
      fruitless = reading.kind === 'found' ? 0 : fruitless + 1;
      mayGoBetter = reading.kind === 'unreadable' && reading.retryable;
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, worker));
  for (const id of next) readings.set(id, isComplete ? notListed(what) : notAsked(what, mayGoBetter));
  return { readings, ...(whole ? { list: whole } : {}) };
}

function notListed(what: string): Reading<never> {
  return { kind: 'gone', failure: { cause: 'status', message: `not in the list of ${what}` } };
}

function notAsked(what: string, retryable: boolean): Reading<never> {
  const message = `not asked for, because ${FRUITLESS_MAX} other ${what} could not be read either`;
  return { kind: 'unreadable', failure: { cause: 'unreadable', message }, retryable };
}
