/** Paged lists, as in Cinder and Nova. */
import type { World } from './model.ts';
import { blockStorageError, json, type Reply, type WireRequest } from './wire.ts';

/** Whether the value passes the filter of the query, if it has one. */
export function matchesFilter(query: URLSearchParams, key: string, value: string): boolean {
  const filter = query.get(key);
  return filter === null || filter === value;
}

export interface Paging<T> {
  what: string;
  items: readonly T[];
  filter: (item: T) => boolean;
  limit_max: number;
  query: URLSearchParams;
}

export type Page<T> = { ok: true; items: T[]; next: URLSearchParams | null } | { ok: false; reply: Reply };

/** One page of the entries that pass the filter: `limit` entries from `marker` or `offset` on. */
export function paginate<T extends { id: string }>({
  what,
  items,
  filter,
  limit_max,
  query,
}: Paging<T>): Page<T> {
  const refused = (message: string): Page<T> => ({ ok: false, reply: blockStorageError(400, message) });
  const limit = wholeNumber(query.get('limit'), limit_max);
  const offset = wholeNumber(query.get('offset'), 0);
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
  const last = page.at(-1);
  if (last === undefined || offset + size >= found.length) return { ok: true, items: page, next: null };
  const next = new URLSearchParams(query);
  next.set('limit', String(size));
  next.set('marker', last.id);
  next.delete('offset');
  return { ok: true, items: page, next };
}

function wholeNumber(text: string | null, fallback: number): number | null {
  if (text === null) return fallback;
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

export function listReply(
  world: World,
  name: 'volumes' | 'backups' | 'servers',
  items: object[],
  next: URLSearchParams | null,
  request: WireRequest,
): Reply {
  const href = `${request.base_url}${request.path}?${next}`;
  const links =
    next !== null && world.settings.list_links ? { [`${name}_links`]: [{ rel: 'next', href }] } : {};
  return json(200, { [name]: items, ...links });
}
