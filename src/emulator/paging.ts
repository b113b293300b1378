/** Paged lists, as in Cinder and Nova. */
import type { World } from './model.ts';
import { blockStorageError, json, type Reply, type WireRequest } from './wire.ts';

interface Paging<T> {
  what: string;
  items: readonly T[];
  /** The filters of the list; each has its entry pass or not. */
  filters: Record<string, (item: T, value: string) => boolean>;
  /** What it can be sorted by. */
  sorts: Record<string, (item: T) => string | number>;
  limit_max: number;
  query: URLSearchParams;
}

export type Page<T> =
  | { ok: true; items: T[]; next: URLSearchParams | null; count: number | null }
  | { ok: false; reply: Reply };

/** `all_tenants` is for administrators, whom the emulator does not have: as in Cinder, it changes nothing for others. */
const NO_FILTERS = ['limit', 'marker', 'offset', 'sort', 'sort_key', 'sort_dir', 'with_count', 'all_tenants'];

/** One page of the entries that pass the filters: `limit` entries from `marker` or `offset` on. Refuses unknown filters. */
export function paginate<T extends { id: string }>({
  what,
  items: inOrder,
  filters,
  sorts,
  limit_max,
  query,
}: Paging<T>): Page<T> {
  const refused = (message: string): Page<T> => ({ ok: false, reply: blockStorageError(400, message) });
  const limit = wholeNumber(query.get('limit'), limit_max);
  const offset = wholeNumber(query.get('offset'), 0);
  const unknown = [...new Set(query.keys())].filter(
    (key) => !NO_FILTERS.includes(key) && !Object.hasOwn(filters, key),
  );
  if (unknown.length > 0) return refused(`Invalid filters ${unknown.join(', ')} are found in query options.`);
  const items = sorted(inOrder, sorts, query);
  if (typeof items === 'string') return refused(items);
  const asked = Object.entries(filters).flatMap(([key, passes]) =>
    query.getAll(key).map((value) => ({ passes, value })),
  );
  const filter = (item: T) => asked.every(({ passes, value }) => passes(item, value));
  if (limit === null) return refused('Invalid input received: limit must be a non-negative integer');
  if (offset === null) return refused('Invalid input received: offset must be a non-negative integer');

  let from = 0;
  const marker = query.get('marker');
  if (marker !== null) {
    // The marker refers to the unfiltered order, because its entry may no longer pass the filter.
    from = items.findIndex(({ id }) => id === marker) + 1;
    if (from === 0)
      return { ok: false, reply: blockStorageError(404, `${what} ${marker} could not be found.`) };
  }
  const size = Math.min(limit, limit_max);
  const found: T[] = [];
  for (const item of items.slice(from)) {
    if (found.length > offset + size) break;
    if (filter(item)) found.push(item);
  }
  const page = found.slice(offset, offset + size);
  const count = isTrue(query.get('with_count')) ? items.filter(filter).length : null;
  const last = page.at(-1);
  if (last === undefined || offset + size >= found.length)
    return { ok: true, items: page, next: null, count };
  const next = new URLSearchParams(query);
  next.set('limit', String(size));
  next.set('marker', last.id);
  next.delete('offset');
  return { ok: true, items: page, next, count };
}

/** In the order of `sort=name:asc,id` or of `sort_key` and `sort_dir`; descending by default. A text: what is wrong. */
function sorted<T>(
  items: readonly T[],
  sorts: Paging<T>['sorts'],
  query: URLSearchParams,
): readonly T[] | string {
  const sort = query.get('sort');
  const key = query.get('sort_key');
  if (sort === null && key === null) return items;
  const given = sort ?? `${key}:${query.get('sort_dir') ?? 'desc'}`;
  const orders = given.split(',').map((part) => part.trim().split(':'));
  for (const [name = '', direction = 'desc'] of orders) {
    if (!Object.hasOwn(sorts, name)) return `Invalid input received: Unknown sort key: ${name}`;
    if (direction !== 'asc' && direction !== 'desc') return `Invalid input received: Unknown sort direction`;
  }
  return items.toSorted((one, other) => {
    for (const [name = '', direction = 'desc'] of orders) {
      const valueOf = sorts[name];
      if (valueOf === undefined) continue;
      const [a, b] = [valueOf(one), valueOf(other)];
      if (a !== b) return (a < b ? -1 : 1) * (direction === 'asc' ? 1 : -1);
    }
    return 0;
  });
}

function isTrue(text: string | null): boolean {
  return text !== null && /^(1|t|true|on|y|yes)$/i.test(text);
}

function wholeNumber(text: string | null, fallback: number): number | null {
  if (text === null) return fallback;
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

export function listReply(
  world: World,
  name: 'volumes' | 'backups' | 'servers' | 'flavors',
  items: object[],
  { next, count }: { next: URLSearchParams | null; count: number | null },
  request: WireRequest,
): Reply {
  const href = `${request.base_url}${request.path}?${next}`;
  const links =
    next !== null && world.settings.list_links ? { [`${name}_links`]: [{ rel: 'next', href }] } : {};
  return json(200, { [name]: items, ...links, ...(count === null ? {} : { count }) });
}
