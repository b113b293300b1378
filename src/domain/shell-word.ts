/**
 * As one word of a POSIX shell, for commands that people paste: URLs have `&` and `?`, paths have spaces, and what
 * somebody else wrote must not run. What needs no quotes gets none.
 */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
