import { grouped } from './grouped.ts';

/**
 * The names of the first `max` items and the number of the others: `a, b, c and 7 more`. Computes only the names that it shows.
 * `total`: the number of items, if `items` has only the first ones.
 */
export function abbreviate<T>(
  items: readonly T[],
  max: number,
  nameOf: (item: T) => string,
  total = items.length,
): string {
  const shown = items.slice(0, max).map(nameOf).join(', ');
  return total > max ? `${shown} and ${grouped(total - max)} more` : shown;
}

/** The same as lines: one for each of the first `max` items, then `and 7 more`. */
export function firstLines<T>(items: readonly T[], max: number, lineOf: (item: T) => string): string[] {
  const shown = items.slice(0, max).map(lineOf);
  return items.length > max ? [...shown, `and ${grouped(items.length - max)} more`] : shown;
}
