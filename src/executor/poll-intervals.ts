/**
 * When a list is cheaper than single reads. A page of a list is one request, too, but one that costs the service
 * and the line more: it must stand for more than a handful of single reads to be worth it.
 */
export const PAGE_IS_WORTH = 4;

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

/** Where many share a list, an end is noticed by it at most this part of their mean age too late. */
const LISTS_LATE_BY = 1 / 12;
/** A page of a list saves at least every other single look; one that saves more than so many may come oftener. */
const LOOKS_A_PAGE_MIN = 2;
const LOOKS_A_PAGE_MAX = 30;

/**
 * Ms between two lists that stand for single looks at restores of these ages: a part of the mean age, for who is
 * young is in a hurry; but never so often that single looks would be as cheap, nor more seldom than they would be.
 */
export function listInterval(agesMs: readonly number[], pages: number, limits: Limits): number {
  let looksPerMs = 0;
  let sum = 0;
  for (const age of agesMs) {
    looksPerMs += 1 / lookInterval(age, limits);
    sum += age;
  }
  const least = Math.max((LOOKS_A_PAGE_MIN * pages) / looksPerMs, limits.min_interval_ms / 20);
  const most = Math.min(agesMs.length, LOOKS_A_PAGE_MAX * pages) / looksPerMs;
  return Math.min(Math.max((sum / agesMs.length) * LISTS_LATE_BY, least), Math.max(most, least));
}

/** How long restores took in this run, as far as lists tell: none was over sooner, and none was seen going on later. */
export interface Usual {
  readonly soonest_ms: number;
  readonly latest_ms: number;
}

/** What is late by no more than this part is still expected at any moment. */
const USUALLY_LATE_BY = 1 / 96;

/** While nobody's end is near by what is usual here, lists are so much more seldom. */
const NOBODY_IS_NEAR = 2;
/** What is spent on ends that are near: lists for each of them, at most, while all that is usual passes. */
const LISTS_AN_END = 1 / 2;

/**
 * Ms from the last list, `sinceMs` ago, to the next. What restores took so far in this run says when the next end is
 * near: lists come oftener then, and more seldom before. It is spent where it tells something: altogether they are
 * not more, and with ends that are spread widely it is the interval by ages alone. After what is usual, likewise.
 */
export function nextList(
  agesMs: readonly number[],
  pages: number,
  limits: Limits,
  usual: Usual | undefined,
  sinceMs: number,
): number {
  const byAge = listInterval(agesMs, pages, limits);
  if (!usual) return byAge;
  const { soonest_ms, latest_ms } = usual;
  const lateMs = latest_ms * (1 + USUALLY_LATE_BY);
  let due = Number.POSITIVE_INFINITY;
  let near = 0;
  // A list for so many as are near by then.
  for (const age of agesMs.filter((age) => age <= lateMs).sort((a, b) => b - a))
    due = Math.min(
      due,
      Math.max(sinceMs + soonest_ms - age, (lateMs - soonest_ms) / (LISTS_AN_END * ++near)),
    );
  const nobody = agesMs.every((age) => age < soonest_ms);
  return Math.min(Math.max(due, limits.min_interval_ms / 20), nobody ? byAge * NOBODY_IS_NEAR : byAge);
}

interface Limits {
  readonly min_interval_ms: number;
  readonly max_interval_ms: number;
}
