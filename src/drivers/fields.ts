import { plainText } from '../network/plain-text.ts';
import { isObject, type JsonObject } from './http/failures.ts';

/** An answer is not what the API promises. Thrown by the parsers here, caught where the answer was asked for. */
export class UnexpectedShape extends Error {}

export function object(value: unknown, what: string): JsonObject {
  if (!isObject(value)) throw new UnexpectedShape(`${what} is not an object`);
  return value;
}

export function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new UnexpectedShape(`${what} is not a list`);
  return value;
}

/** Text that must be there. */
export function text(from: JsonObject, key: string): string {
  const value = optionalText(from, key);
  if (value === undefined || value === '') throw new UnexpectedShape(`${key} is missing`);
  return value;
}

/** Longer than any name, id or reason of a cloud; what is kept of a list must be small beside the list. */
const TEXT_LENGTH_MAX = 10_000;

/** Absent and null are the same. */
export function optionalText(from: JsonObject, key: string): string | undefined {
  const value = from[key] ?? undefined;
  if (value !== undefined && typeof value !== 'string') throw new UnexpectedShape(`${key} is not a text`);
  if (value !== undefined && value.length > TEXT_LENGTH_MAX)
    throw new UnexpectedShape(`${key} is longer than ${TEXT_LENGTH_MAX} characters`);
  return value;
}

/**
 * One word: it stands alone in lists that other commands read, and begins with nothing that they take for an option.
 * UUIDs mostly; what else services use is of the same letters.
 */
const ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$/;

/** An id that must be there. */
export function idText(from: JsonObject, key: string): string {
  const value = text(from, key);
  if (!ID.test(value)) throw new UnexpectedShape(`${key} is not an id: ${plainText(value, 40)}`);
  return value;
}

export function size(from: JsonObject, key: string): number {
  const value = from[key];
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw new UnexpectedShape(`${key} is not a size`);
  return value;
}

const TIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2}(?:\.\d+)?)(Z|[+-]\d{2}:?\d{2})?$/;

/** ISO 8601 in UTC with `Z`, out of the clouds' times, which are UTC mostly without saying so. */
export function optionalTime(from: JsonObject, key: string): string | undefined {
  const value = optionalText(from, key);
  if (value === undefined || value === '') return undefined;
  const match = TIME.exec(value);
  const ms = match ? Date.parse(`${match[1]}T${match[2]}${match[3] ?? 'Z'}`) : Number.NaN;
  if (Number.isNaN(ms)) throw new UnexpectedShape(`${key} is not a time: ${plainText(value, 40)}`);
  return new Date(ms).toISOString();
}
