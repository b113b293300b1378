import type { LockHolder } from '../domain/lock-holder.ts';
import { optional } from '../domain/optional.ts';
import type { Secrets } from '../domain/secrets.ts';
import { integerFrom, object, pattern, string } from '../domain/shape.ts';
import { MESSAGE_READ_LENGTH_MAX } from '../network/message-text.ts';
import type { LockInfo } from './backend.ts';

/** The user has to type the id after `vbsctl unlock`, so it is shown as a whole or not at all. */
export const LOCK_ID = /^.{1,200}$/s;

const SHOWN_CHARACTERS_MAX = 200;

/** The fields of a lock except its id, as vbsctl stores them. */
export const lockFields = {
  who: string,
  host: string,
  pid: integerFrom(1),
  operation: string,
  since: string,
  version: string,
};

/** A lock as vbsctl stores it. */
export const lockShape = object<LockInfo>({
  id: pattern(LOCK_ID, 'a text of 1 to 200 characters'),
  ...lockFields,
});

/**
 * A lock as it may be shown: shortened and without secrets, because anybody who can write to the storage may have written
 * it. An id that contains a secret, or that is not one of vbsctl, is left out.
 */
export function displayLock({ id, ...rest }: LockHolder, secrets: Secrets | undefined): LockHolder {
  const shownId =
    id !== undefined && LOCK_ID.test(id) && (secrets?.maskName(id) ?? id) === id ? id : undefined;
  const shown = Object.entries(rest).map(([key, value]) => [
    key,
    typeof value === 'string' ? displayText(value, secrets) : value,
  ]);
  return { ...optional('id', shownId), ...Object.fromEntries(shown) };
}

/** A text of a lock as it may be shown. */
export function displayText(text: string, secrets: Secrets | undefined): string {
  const beginning =
    text.length > MESSAGE_READ_LENGTH_MAX ? `${text.slice(0, MESSAGE_READ_LENGTH_MAX)}…` : text;
  const masked = secrets?.maskMessage(beginning) ?? beginning;
  if (masked.length <= SHOWN_CHARACTERS_MAX) return masked;
  // Cut between code points, so that no character is split.
  return `${[...masked.slice(0, 2 * SHOWN_CHARACTERS_MAX)].slice(0, SHOWN_CHARACTERS_MAX - 1).join('')}…`;
}
