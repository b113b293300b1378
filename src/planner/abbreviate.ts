const NAMED_MAX = 3;

/**
 * `a, b, c and 7 more`, without `except`. Only the first few names are computed, so thousands of such messages stay
 * linear.
 */
export function abbreviate<T>(all: readonly T[], nameOf: (one: T) => string, except?: string): string {
  const shown = all
    .slice(0, NAMED_MAX + 1)
    .map(nameOf)
    .filter((name) => name !== except)
    .slice(0, NAMED_MAX);
  const rest = all.length - (except === undefined ? 0 : 1) - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
}
