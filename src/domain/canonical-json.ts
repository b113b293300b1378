/** The same text for the same data, whatever order its keys came in. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** Whether two values have the same canonical JSON, without making it. */
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
