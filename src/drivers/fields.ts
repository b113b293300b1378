import { type Check, type JsonObject, pathText, pattern, refineString } from '../domain/shape.ts';

/** An answer does not have the promised shape. The parsers here throw it; the code that sent the request catches it. */
export class UnexpectedShape extends Error {}

/** Checks a value called `what`. The message does not contain the value, which may be a secret. */
export function checked<T>(value: unknown, check: Check<T>, what: string): T {
  const wrong = check(value);
  if (!wrong) return value as T;
  const is = wrong.found === undefined ? 'missing' : `not ${wrong.expected}`;
  throw new UnexpectedShape(`${pathText([what, ...wrong.path])} is ${is}`);
}

/** Reads a required field. */
export function field<T>(from: JsonObject, key: string, check: Check<T>): T {
  return checked(from[key] ?? undefined, check, key);
}

/** Reads an optional field. Null counts as absent. */
export function optionalField<T>(from: JsonObject, key: string, check: Check<T>): T | undefined {
  return from[key] == null ? undefined : field(from, key, check);
}

/** Longer than any name, id or reason of a cloud. Limits the memory that the entries of a list need. */
export const ANSWER_TEXT_LENGTH_MAX = 10_000;

/** Any text, including the empty one. */
export const text = refineString(
  (value) => value.length <= ANSWER_TEXT_LENGTH_MAX,
  `a text of at most ${ANSWER_TEXT_LENGTH_MAX} characters`,
);

/** A text that is not empty. */
export const nonEmptyText = refineString(
  (value) => value !== '' && value.length <= ANSWER_TEXT_LENGTH_MAX,
  `a text of 1 to ${ANSWER_TEXT_LENGTH_MAX} characters`,
);

/**
 * An id is one word: it appears in lists that other commands read, and must not begin like an option. Most ids are
 * UUIDs; those of other services use the same characters.
 */
export const id = pattern(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$/, 'an id');

const TIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2}(?:\.\d+)?)(Z|[+-]\d{2}:?\d{2})?$/;

/** Reads a time as ISO 8601 in UTC with `Z`. The times of clouds are in UTC, and most do not say so. */
export function optionalTime(from: JsonObject, key: string): string | undefined {
  const value = optionalField(from, key, text);
  if (value === undefined || value === '') return undefined;
  const match = TIME.exec(value);
  const ms = match ? Date.parse(`${match[1]}T${match[2]}${match[3] ?? 'Z'}`) : Number.NaN;
  if (Number.isNaN(ms)) throw new UnexpectedShape(`${key} is not a time`);
  return new Date(ms).toISOString();
}
