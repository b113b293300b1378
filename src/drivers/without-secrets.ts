import type { Secrets } from '../domain/secrets.ts';
import { UnexpectedShape } from './fields.ts';

/**
 * What a parser made of an answer, its texts without secrets and bounded: a name of a disk goes into the plan and the
 * state. An id and an ordinary status decide what is done and are never changed; an id that repeats a secret is none
 * (UnexpectedShape).
 */
export function withoutSecrets<T>(value: T, secrets: Secrets | undefined): T {
  return secrets === undefined ? value : (masked(value, '', secrets) as T);
}

function masked(value: unknown, key: string, secrets: Secrets): unknown {
  if (typeof value === 'string') return maskedText(value, key, secrets);
  if (Array.isArray(value)) return value.map((each) => masked(each, key, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, masked(each, name, secrets)]));
}

/** The APIs' own names end at 255 characters. */
const LENGTH_MAX = 1_000;
const ID_KEY = /(^|_)id$/;
const ID = /^[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}$/i;
const STATUS = /^[a-z]+([ _-][a-z]+)*$/i;
/** Sentences, in which a short secret is one, too. */
const MESSAGES: ReadonlySet<string> = new Set(['reasons', 'fail_reason', 'text']);

function maskedText(text: string, key: string, secrets: Secrets): string {
  if (ID.test(text) || (key.endsWith('status') && STATUS.test(text))) return text;
  const bounded = text.length > LENGTH_MAX ? `${text.slice(0, LENGTH_MAX)}…` : text;
  const without = MESSAGES.has(key) ? secrets.maskMessage(bounded) : secrets.maskName(bounded);
  if (without !== text && ID_KEY.test(key))
    throw new UnexpectedShape(`${key} is too long, or repeats a credential`);
  return without;
}
