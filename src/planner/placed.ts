import type { SourcePosition } from '../domain/diagnostic.ts';
import { sanitize } from '../domain/escape/terminal.ts';

/**
 * ` at restores.yaml:12:7`, for the end of what is to be done there; nothing where it stands in no file. As one
 * word: a file's name with a line break or a command in it would write advice of its own.
 */
export function placed({ file, line, column }: SourcePosition): string {
  return file === undefined
    ? ''
    : ` at ${[sanitize(file).replace(/\s/g, '\\x20'), line, column].filter((part) => part !== undefined).join(':')}`;
}
