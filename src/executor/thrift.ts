/**
 * When a list is cheaper than single reads. A page of a list is one request, too, but one that costs the service
 * and the line more: it must stand for more than a handful of single reads to be worth it.
 */
export const PAGE_IS_WORTH = 4;

/** Lists take at most this part of the requests that single reads would, where so many are saved at all. */
const LISTS_SHARE = 1 / 30;

/**
 * Whether a list, or one more page of it, is worth it while so many things are still to be learnt. Who goes on by this
 * spends at best a page for a thousand, and at worst a quarter more than by single reads alone.
 */
export function worthAPage(missing: number, pages: number): boolean {
  return missing > PAGE_IS_WORTH * pages;
}

/** An end is noticed at most this part of the restore's own time too late, until the longest interval caps it. */
const LATE_BY = 1 / 8;

/** Ms until the next look at a restore that has been under way for `ageMs`. */
export function lookInterval(ageMs: number, limits: Limits): number {
  return Math.min(limits.min_interval_ms + ageMs * LATE_BY, limits.max_interval_ms);
}

/**
 * Ms between two lists that stand for single looks at restores of these ages: as often as each would be looked
 * at, in the mean; more often when so many share a list that it still saves most requests.
 */
export function listInterval(agesMs: Iterable<number>, pages: number, limits: Limits): number {
  let looksPerMs = 0;
  let count = 0;
  for (const age of agesMs) {
    looksPerMs += 1 / lookInterval(age, limits);
    count++;
  }
  const wished = Math.min(count, pages / LISTS_SHARE) / looksPerMs;
  return Math.max(wished, limits.min_interval_ms / 2);
}

interface Limits {
  readonly min_interval_ms: number;
  readonly max_interval_ms: number;
}
