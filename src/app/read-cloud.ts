import type { Backup, Reading, Volume } from '../domain/cloud.ts';
import type { CloudSnapshot, SnapshotNeeds, UnreadableEntry } from '../domain/cloud-snapshot.ts';
import { listUnreadable } from '../domain/list-unreadable.ts';
import { optional } from '../domain/optional.ts';
import type { Driver, Listing, ListOptions } from '../drivers/driver.ts';
import { listPendingBackups } from '../executor/pending-backups.ts';
import { isListWorthwhile } from '../executor/poll-intervals.ts';

/** Concurrent reads. The request budget limits their rate. */
const READS_AT_ONCE = 10;
/** After this many misses in a row, no more single reads are sent: a manifest may name any number of ids that do not exist. */
const MISSES_MAX = 20;

/** Reads what a plan needs from the cloud. Throws a Failure (`cloud`) if a list that it needs is unreadable. */
export async function readCloud(driver: Driver, needs: SnapshotNeeds): Promise<CloudSnapshot> {
  const needsVolumes = needs.all_volumes || needs.volume_ids.size > 0;
  const [volumes, backups, pendingBackups] = await Promise.all([
    readAll(
      'disks',
      needs.volume_ids,
      needs.all_volumes,
      (options: ListOptions<Volume>) => driver.volumes(undefined, options),
      (id) => driver.volume(id),
    ),
    readAll(
      'backups',
      needs.backup_ids,
      needs.all_backups,
      (options: ListOptions<Backup>) => driver.backups(undefined, options),
      (id) => driver.backup(id),
    ),
    needsVolumes ? listPendingBackups(driver) : undefined,
  ]);
  return {
    volumes: volumes.readings,
    backups: backups.readings,
    ...optional('volume_list', volumes.list),
    ...optional('backup_list', backups.list),
    ...optional('unreadable_volumes', volumes.unreadable),
    ...optional('unreadable_backups', backups.unreadable),
    ...optional('pending_backups', pendingBackups),
  };
}

/** Continues a list while enough ids are missing to be worth another page. */
function untilFound<T extends { readonly id: string }>(ids: ReadonlySet<string>): ListOptions<T> {
  const missing = new Set(ids);
  return {
    wantsMore: (page, pages) => {
      for (const { id } of page) missing.delete(id);
      return isListWorthwhile(missing.size, pages);
    },
  };
}

async function readAll<T extends { readonly id: string }>(
  what: string,
  ids: ReadonlySet<string>,
  all: boolean,
  list: (options: ListOptions<T>) => Promise<Listing<T>>,
  get: (id: string) => Promise<Reading<T>>,
): Promise<{
  readings: Map<string, Reading<T>>;
  list?: readonly T[];
  unreadable?: readonly UnreadableEntry[];
}> {
  const readings = new Map<string, Reading<T>>();
  let isComplete = false;
  let whole: readonly T[] | undefined;
  const unreadable: UnreadableEntry[] = [];
  if (all || isListWorthwhile(ids.size, 1)) {
    const onUnreadable = (entry: UnreadableEntry) => unreadable.push(entry);
    const listing = await list(all ? { onUnreadable } : untilFound(ids));
    if (listing.kind === 'listed') {
      for (const value of listing.values) readings.set(value.id, { kind: 'found', value });
      isComplete = listing.complete && unreadable.length === 0;
      if (all) whole = listing.values;
    } else if (all) {
      throw listUnreadable(what, listing);
    }
  }
  // Ids that are not listed are read one by one: a list may be stale, and does not contain shared volumes.
  const missing = [...ids].filter((id) => !readings.has(id));
  const next = missing.values();
  let misses = 0;
  let isRetryable = false;
  const worker = async () => {
    while (misses < MISSES_MAX) {
      const { value: id, done } = next.next();
      if (done) return;
      const reading = await get(id);
      readings.set(id, reading);
      misses = reading.kind === 'found' ? 0 : misses + 1;
      isRetryable = reading.kind === 'unreadable' && reading.retryable;
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, worker));
  for (const id of next) readings.set(id, isComplete ? notListed(what) : notRead(what, isRetryable));
  return { readings, ...optional('list', whole), ...(unreadable.length > 0 ? { unreadable } : {}) };
}

function notListed(what: string): Reading<never> {
  return { kind: 'gone', failure: { cause: 'status', message: `not in the list of ${what}` } };
}

function notRead(what: string, retryable: boolean): Reading<never> {
  const message = `not read, because ${MISSES_MAX} other ${what} could not be read either`;
  return { kind: 'unreadable', failure: { cause: 'unreadable', message }, retryable };
}
