import { isUtf8 } from 'node:buffer';
import { type Diagnostic, error, type SourcePosition } from '../domain/diagnostic.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { LeadsOutError } from '../files/checkout.ts';

/** Problems of files and directories that cannot be read. */

/** Thrown for a problem with a file or directory. */
export class Unreadable extends Error {
  readonly diagnostic: Diagnostic;
  constructor(code: string, summary: string, where: SourcePosition, remedy: string) {
    super(summary);
    this.diagnostic = error(code, summary, { remedy, where });
  }
}

/** The problem that an operating error means; any other error is a bug and is thrown. */
export function unreadable(path: string, cause: unknown): Diagnostic {
  if (cause instanceof Unreadable) return cause.diagnostic;
  if (cause instanceof LeadsOutError)
    return error('link-leads-out', `this leads out of the directory, ${cause.by}`, {
      remedy: 'if that file is meant, name it itself: -f FILE; otherwise remove the link',
      where: { file: path },
    });
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === undefined) throw cause;
  const fileProblem = (name: string, summary: string, remedy: string) =>
    error(name, summary, { remedy, where: { file: path } });
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return fileProblem('missing-file', 'this file does not exist', 'correct the path, or create the file');
    case 'ELOOP':
      return fileProblem('symlink-loop', 'this is a symbolic link that leads to itself', 'remove the link');
    case 'EACCES':
    case 'EPERM':
      return fileProblem(
        'unreadable-file',
        'permission denied',
        `give yourself the right: chmod u+r ${shellPath(path)}`,
      );
    case 'NOT_REGULAR':
      return fileProblem(
        'not-regular',
        `this cannot be read: ${message}`,
        'put a regular file there, or remove it',
      );
    default:
      return fileProblem('unreadable-file', `this cannot be read (${code})`, 'name a file or a directory');
  }
}

/** Strict UTF-8; a byte order mark is dropped. */
export function decodeUtf8(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw notUtf8(path, bytes);
  }
}

function notUtf8(path: string, bytes: Buffer): Unreadable {
  const mark = bytes.subarray(0, 2).toString('latin1');
  if (mark === '\xff\xfe' || mark === '\xfe\xff')
    return new Unreadable('not-utf8', 'this file is UTF-16, not UTF-8', { file: path }, 'save it as UTF-8');
  if (bytes.includes(0))
    return new Unreadable('not-text', 'this is not a text file', { file: path }, 'name a YAML or JSON file');
  let start = 0;
  let line = 1;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    if (!isUtf8(bytes.subarray(start, end))) break;
    start = end + 1;
    line++;
  }
  // The first character that cannot be decoded. A U+FFFD in the text before it is not told apart.
  const column = bytes.subarray(start).toString('utf8').indexOf('\ufffd') + 1;
  const where = { file: path, line, column };
  return new Unreadable('not-utf8', 'this file is not UTF-8', where, 'save it as UTF-8');
}
