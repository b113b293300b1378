/** A page of a list is one request, but a larger one: it must take the place of more than so many single reads. */
const READS_PER_PAGE = 4;

/**
 * Whether a list, or one more page of it, is worth it while so many things are still to be read. A caller that asks
 * before each page reads at most a page for a thousand things, and at worst a quarter more than by single reads alone.
 */
export function worthAPage(missing: number, pages: number): boolean {
  return missing > READS_PER_PAGE * pages;
}

/** `poll` of the config. */
interface Limits {
  readonly min_interval_ms: number;
  readonly max_interval_ms: number;
}

/** Ms until the next look at a restore of this age: the end is noticed late by at most an eighth of its duration. */
export function lookInterval(ageMs: number, limits: Limits): number {
  return Math.min(limits.min_interval_ms + ageMs / 8, limits.max_interval_ms);
}

/**
 * Ms between two lists that take the place of single looks at restores of these ages. Where a list only just pays it
 * is read as often as one restore would be looked at. Among more restores each list costs each of them less: the
 * interval falls with the square root of their number, so that requests for each restore and lateness both fall.
 *
 * @param agesMs not empty
 * @param pages of one list
 */
export function listInterval(agesMs: readonly number[], pages: number, limits: Limits): number {
  const meanMs = agesMs.reduce((sum, age) => sum + age, 0) / agesMs.length;
  return lookInterval(meanMs, limits) * Math.min(1, Math.sqrt((READS_PER_PAGE * pages) / agesMs.length));
}
