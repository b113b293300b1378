/** Longest name of a file on Linux and macOS (NAME_MAX), in characters. */
const NAME_LENGTH_MAX = 255;
/** A relative path without an extension that is longer may as well be a token. */
const BARE_LENGTH_MAX = 24;

/**
 * Whether a text may be shown as a path that somebody named. Not what is likely to be the content of a file: PEM, YAML, a
 * line of `.pgpass`, a token, base64.
 */
export function looksLikePath(text: string): boolean {
  if (/[\p{Cc}:{}]/u.test(text) || text.includes('-----BEGIN')) return false;
  if (text.split('/').some((name) => name.length > NAME_LENGTH_MAX) || isBase64(text)) return false;
  if (/^(?:~|\.{1,2})?\//.test(text)) return true;
  return (
    /^[\w.@+/ -]+\.[A-Za-z]{1,8}$/.test(text) || (/^[\w./-]+$/.test(text) && text.length <= BARE_LENGTH_MAX)
  );
}

/** A line of a PEM file has 64 characters, and a slash may be the first of them. */
function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/=]{40,}$/.test(text) && [/[a-z]/, /[A-Z]/, /[0-9]/].every((some) => some.test(text));
}
