import type { LockHolder } from '../domain/lock-holder.ts';
import { optional } from '../domain/optional.ts';
import type { Secrets } from '../domain/secrets.ts';
import { fields, integerFrom, text, textLike } from '../domain/shape.ts';
import { MESSAGE_LENGTH_MAX } from '../network/plain-text.ts';
import type { LockInfo } from './backend.ts';

/** An id is typed after `vbsctl unlock`: it is told whole or not at all. */
export const LOCK_ID = /^.{1,200}$/s;

const TOLD_CHARACTERS = 200;

/** What a lock says beside its id, as vbsctl stores it. */
export const lockWords = {
  who: text,
  host: text,
  pid: integerFrom(1),
  operation: text,
  since: text,
  version: text,
};

/** A lock as vbsctl stores it. */
export const lockShape = fields<LockInfo>({
  id: textLike(LOCK_ID, 'a text of 1 to 200 characters'),
  ...lockWords,
});

/**
 * A lock as it is told: whoever may write there can have written anything. It must not fill the screen, nor repeat a
 * secret; an id that does is none.
 */
export function bounded(told: LockHolder, secrets: Secrets | undefined): LockHolder {
  const brief = (words: string | undefined) => words && toldWords(words, secrets);
  const { id, lease, pid } = told;
  const isSecret = id !== undefined && secrets !== undefined && secrets.maskName(id) !== id;
  return {
    ...optional('id', isSecret ? undefined : id),
    ...optional('who', brief(told.who)),
    ...optional('host', brief(told.host)),
    ...optional('pid', pid),
    ...optional('operation', brief(told.operation)),
    ...optional('since', brief(told.since)),
    ...optional('version', brief(told.version)),
    ...optional('lease', lease),
  };
}

/** What another wrote into a lock, for people. */
export function toldWords(words: string, secrets: Secrets | undefined): string {
  return shortened(secrets?.maskMessage(words.slice(0, MESSAGE_LENGTH_MAX)) ?? words);
}

function shortened(words: string): string {
  if (words.length <= TOLD_CHARACTERS) return words;
  // By characters, so that none is cut in two.
  return `${[...words.slice(0, 2 * TOLD_CHARACTERS)].slice(0, TOLD_CHARACTERS - 1).join('')}…`;
}
