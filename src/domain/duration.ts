// Own code, not `ms`: that also takes `-1h`, `1.5 hrs` and a number without a unit.
const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const FORM = /^(0|[1-9][0-9]{0,8})(ms|s|m|h|d)$/;

/** Examples of durations in files and flags; `schemas/` has the same pattern. */
export const DURATION_EXAMPLES = '250ms, 90s, 30m, 2h or 7d';

/** Milliseconds of `250ms`, `90s`, `30m`, `2h`, `7d`; undefined if the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  const match = FORM.exec(text);
  if (!match) return undefined;
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}

/** The same for a text that passed a schema. Throws if it is not a duration. */
export function requireDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new Error(`${text} is not a duration: the schema does not allow that`);
  return ms;
}

/** For display, with at most two units: `850ms`, `42s`, `3m 20s`, `2h 5m`, `12d 4h`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`;
  const seconds = Math.round(ms / 1_000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ');
}
