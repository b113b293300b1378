// Own code, not `canonicalize`: a large state is written in chunks, so that a stop can end it.
import type { ChunkedWork } from './chunked-work.ts';

/** Equal texts for equal data, whatever the order of its keys. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** The same for an object whose lists may be long. */
export function* canonicalJsonInSteps(object: object): ChunkedWork<string> {
  const members: string[] = [];
  for (const [key, value] of Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
    if (value !== undefined)
      members.push(
        `${JSON.stringify(key)}:${Array.isArray(value) ? yield* listInSteps(value) : canonicalJson(value)}`,
      );
  return `{${members.join(',')}}`;
}

const ITEMS_IN_STEP = 1_000;

function* listInSteps(list: readonly unknown[]): ChunkedWork<string> {
  const items: string[] = [];
  for (const item of list) {
    if (items.push(canonicalJson(item)) % ITEMS_IN_STEP === 0) yield;
  }
  return `[${items.join(',')}]`;
}

/** Whether two values have the same canonical JSON. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((part, index) => sameJson(part, b[index]))
    );
  const [mine, theirs] = [a, b] as Readonly<Record<string, unknown>>[];
  for (const key in mine) if (!sameJson(mine[key], theirs?.[key])) return false;
  for (const key in theirs) if (theirs[key] !== undefined && mine?.[key] === undefined) return false;
  return true;
}
