import { sanitize } from './terminal.ts';

/**
 * Text as one word of a command that people paste. What somebody else wrote must not run there: not in a POSIX shell,
 * not in zsh, and not in fish, where a backslash acts within single quotes, too.
 */

/** What takes the place of a text that cannot be shown as it is, and so cannot be pasted: harmless as a word. */
export const UNPRINTABLE = `'(holds characters that cannot be shown)'`;

/**
 * The value of a flag (`--state ${shellWord(path)}`), or a word that cannot begin with a dash. What needs no quotes gets
 * none.
 */
export function shellWord(text: string): string {
  if (sanitize(text) !== text) return UNPRINTABLE;
  return PLAIN.test(text) ? text : `'${text.replace(/['\\]/g, (char) => `'\\${char}'`)}'`;
}

/** zsh runs what a `=` at the start of a word names. */
const PLAIN = /^[\w@./:,+-][\w@%+=:,./-]*$/;

/** A path that stands alone: one that looks like an option is made one that does not. */
export function shellPath(path: string): string {
  return shellWord(path.startsWith('-') && path !== '-' ? `./${path}` : path);
}

/** What takes the place of a word that would be taken for an option wherever it is pasted. */
export const LIKE_AN_OPTION = `'(begins with a dash: put it after --)'`;

/** Any other word that stands alone: an id, a name, an address. */
export function shellOperand(text: string): string {
  return text.startsWith('-') ? LIKE_AN_OPTION : shellWord(text);
}
