import { InvalidArgumentError } from 'commander';
import { isoTime } from '../../domain/clock.ts';
import { parseDuration } from '../../domain/duration.ts';
import type { ValueType } from './option.ts';

const TIME =
  /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const NO_ZONE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?$/;

/** RFC 3339 with its zone, as in manifests: `2026-11-23T22:00:00+01:00`. Returned as written. */
export function parseTimestamp(text: string, allowed = ''): string {
  const typed = text.trim().toUpperCase();
  const [, year, month, day] = TIME.exec(typed) ?? [];
  const isDate =
    day !== undefined &&
    Number(month) >= 1 &&
    Number(month) <= 12 &&
    Number(day) >= 1 &&
    Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  if (isDate) return typed;
  throw new InvalidArgumentError(
    NO_ZONE.test(typed)
      ? `Expected a time with its zone: ${withUtc(typed)} for UTC, or an offset such as +01:00 in place of the Z.`
      : `Expected ${allowed}a time with its zone, such as 2026-11-23T22:00:00+01:00 or 2026-11-23T21:00:00Z.`,
  );
}

function withUtc(typed: string): string {
  const [date = '', time = '00:00:00'] = typed.split(/[T ]/);
  return `${date}T${time.length === 5 ? `${time}:00` : time}Z`;
}

/** For messages. */
const AGE = 'an age such as 24h or 7d, or ';

/** RFC 3339, as written. */
export const time: ValueType = { takes: 'such as 2026-11-23T22:00:00+01:00', parse: parseTimestamp };

/** RFC 3339: as written, or the time so long ago. */
export const pastTime: ValueType = {
  takes: 'such as 24h, 7d or 2026-11-23T22:00:00+01:00',
  parse(text) {
    const age = parseDuration(text);
    return age === undefined ? parseTimestamp(text, AGE) : isoTime(Date.now() - age);
  },
};
