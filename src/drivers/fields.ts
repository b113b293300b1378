import { type Check, type JsonObject, pathText, textLike, textThat } from '../domain/shape.ts';

/** An answer is not what the API promises. Thrown by the parsers here, caught where the answer was asked for. */
export class UnexpectedShape extends Error {}

/** A value called `what`, if it fits. The message is without the value, which may be a secret. */
export function checked<T>(value: unknown, check: Check<T>, what: string): T {
  const wrong = check(value);
  if (!wrong) return value as T;
  const is = wrong.found === undefined ? 'missing' : `not ${wrong.expected}`;
  throw new UnexpectedShape(`${pathText([what, ...wrong.path])} is ${is}`);
}

/** A field that must be there. */
export function field<T>(from: JsonObject, key: string, check: Check<T>): T {
  return checked(from[key] ?? undefined, check, key);
}

/** Absent and null are the same. */
export function optionalField<T>(from: JsonObject, key: string, check: Check<T>): T | undefined {
  return from[key] == null ? undefined : field(from, key, check);
}

/** Longer than any name, id or reason of a cloud; what is kept of a list must be small beside the list. */
const TEXT_LENGTH_MAX = 10_000;

/** Any text, the empty one included. */
export const text = textThat(
  (value) => value.length <= TEXT_LENGTH_MAX,
  `a text of at most ${TEXT_LENGTH_MAX} characters`,
);

/** A text that says something. */
export const word = textThat(
  (value) => value !== '' && value.length <= TEXT_LENGTH_MAX,
  `a text of 1 to ${TEXT_LENGTH_MAX} characters`,
);

/**
 * One word: it stands alone in lists that other commands read, and begins with nothing that they take for an option.
 * UUIDs mostly; what else services use is of the same letters.
 */
export const id = textLike(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$/, 'an id');

const TIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2}(?:\.\d+)?)(Z|[+-]\d{2}:?\d{2})?$/;

/** ISO 8601 in UTC with `Z`, out of the clouds' times, which are UTC mostly without saying so. */
export function optionalTime(from: JsonObject, key: string): string | undefined {
  const value = optionalField(from, key, text);
  if (value === undefined || value === '') return undefined;
  const match = TIME.exec(value);
  const ms = match ? Date.parse(`${match[1]}T${match[2]}${match[3] ?? 'Z'}`) : Number.NaN;
  if (Number.isNaN(ms)) throw new UnexpectedShape(`${key} is not a time`);
  return new Date(ms).toISOString();
}
