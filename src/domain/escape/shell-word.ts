import { sanitize } from './terminal.ts';

/** Replaces a text that cannot be shown unchanged, and so cannot be pasted. */
export const UNPRINTABLE = `'(holds characters that cannot be shown)'`;

/**
 * Text from outside as one word of a command to paste, quoted if necessary. No part of it can run as a command in a POSIX
 * shell, in zsh, or in fish, where a backslash also escapes within single quotes. For the value of a flag
 * (`--state ${shellWord(path)}`), or a word that cannot begin with a dash.
 */
export function shellWord(text: string): string {
  if (sanitize(text) !== text) return UNPRINTABLE;
  return PLAIN.test(text) ? text : `'${text.replace(/['\\]/g, (char) => `'\\${char}'`)}'`;
}

/** No `=` at the start: zsh replaces such a word by the path of a program. */
const PLAIN = /^[\w@./:,+-][\w@%+=:,./-]*$/;

/** A path as an argument of its own: `./` in front keeps it from being taken for an option. */
export function shellPath(path: string): string {
  return shellWord(path.startsWith('-') && path !== '-' ? `./${path}` : path);
}

/** Replaces a word that would be taken for an option. */
export const LIKE_AN_OPTION = `'(begins with a dash: put it after --)'`;

/** Any other argument: an id, a name, an address. */
export function shellOperand(text: string): string {
  return text.startsWith('-') ? LIKE_AN_OPTION : shellWord(text);
}
