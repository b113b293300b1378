/** Longest name of a file on Linux and macOS (NAME_MAX), in characters. */
const NAME_LENGTH_MAX = 255;
/** A longer name in a relative path without an extension may be a token. */
const BARE_LENGTH_MAX = 24;

/**
 * Whether a text may be shown as the path that a user gave. False for what may be the content of a file: PEM, YAML, a line of
 * `.pgpass`, a token, base64.
 */
export function looksLikePath(text: string): boolean {
  const names = text.split('/');
  if (/\p{Cc}/u.test(text) || names.some(({ length }) => length > NAME_LENGTH_MAX)) return false;
  if (/^(?:~|\.{1,2})\//.test(text)) return true;
  // A file may be named by the time.
  const untimed = text.replace(/\d\d:\d\d(?::\d\d)?/g, '');
  if (/[:{}]/.test(untimed) || text.includes('-----BEGIN') || isBase64(text, PEM_LENGTH_MIN)) return false;
  if (text.startsWith('/')) return true;
  if (!/^[\p{L}\p{M}\p{N} _.@+,()/-]+$/u.test(untimed)) return false;
  if (/\.[A-Za-z]{1,8}$/.test(text)) return true;
  return (
    !text.includes(' ') &&
    names.every(({ length }) => length <= BARE_LENGTH_MAX) &&
    !isBase64(text, BARE_LENGTH_MAX + 1)
  );
}

/** A line of a PEM file has 64 characters, and a slash may be the first of them; the last one is shorter. */
const PEM_LENGTH_MIN = 40;

function isBase64(text: string, lengthMin: number): boolean {
  if (text.length < lengthMin || !/^[A-Za-z0-9+/=]+$/.test(text)) return false;
  return [/[a-z]/, /[A-Z]/, /[0-9]/].every((some) => some.test(text));
}

/** Longest word of a command line that is surely no key and no token. */
const WORD_LENGTH_MAX = 60;

/** An argument of unknown meaning: it may also be the content of a file. */
export function shownWord(text: string): string {
  const isContent = /\p{Cc}/u.test(text) || text.length > WORD_LENGTH_MAX || isBase64(text, PEM_LENGTH_MIN);
  return isContent ? '…' : text;
}
