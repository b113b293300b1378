import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { LIMITS } from './limits.ts';
import type { SourceText } from './source.ts';

/** Thrown by a reader of YAML or JSON: nothing more of the file is read. */
export class StopReading extends Error {
  readonly problem: Diagnostic;
  constructor(problem: Diagnostic) {
    super(problem.summary);
    this.problem = problem;
  }
}

/** Keys that change JavaScript objects; no manifest has such keys. */
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

export function isForbiddenKey(key: string): boolean {
  return FORBIDDEN.has(key);
}

export function problemAt(
  source: SourceText,
  offset: number,
  code: string,
  summary: string,
  more: { detail?: string; remedy?: string } = {},
): Diagnostic {
  return error(code, summary, { ...more, where: source.place(offset) });
}

export function duplicateKey(source: SourceText, offset: number, key: string, first: number): Diagnostic {
  const { line, column } = source.position(first);
  return problemAt(source, offset, 'duplicate-key', `duplicate key ${named(key)}`, {
    detail: `First at ${source.file}:${line}:${column}.`,
    remedy: 'keep one of the two',
  });
}

export function forbiddenKey(source: SourceText, offset: number, key: string): Diagnostic {
  return problemAt(source, offset, 'forbidden-key', `the key ${key} is not allowed`, {
    remedy: 'remove it',
  });
}

export function tooDeep(source: SourceText, offset: number): Diagnostic {
  return problemAt(
    source,
    offset,
    'too-deep',
    `maps and lists are nested more than ${LIMITS.nesting} levels deep`,
    { remedy: 'a manifest needs 7 levels; remove the rest' },
  );
}

export function tooManyKeys(source: SourceText, offset: number): Diagnostic {
  return problemAt(source, offset, 'too-many-keys', `this map has more than ${LIMITS.keys} keys`, {
    remedy: 'remove the keys that a manifest does not have: vbsctl help manifest',
  });
}

export function tooManySpaces(source: SourceText, offset: number): Diagnostic {
  return problemAt(source, offset, 'too-many-spaces', `more than ${LIMITS.spaces} spaces in a row`, {
    remedy: 'remove the spaces',
  });
}

export function tooManyEscapes(source: SourceText, offset: number): Diagnostic {
  return problemAt(
    source,
    offset,
    'too-many-escapes',
    `more than ${LIMITS.escapes} backslashes in one JSON file`,
    { remedy: 'a manifest needs few: write each character as it is' },
  );
}

export function tooManyValues(source: SourceText, offset: number): Diagnostic {
  return problemAt(source, offset, 'too-many-values', `more than ${LIMITS.values} values in one run`, {
    remedy: 'name fewer files at a time with -f',
  });
}

export function tooManyDocuments(source: SourceText, offset: number): Diagnostic {
  return problemAt(
    source,
    offset,
    'too-many-documents',
    `more than ${LIMITS.documents} documents in one run`,
    {
      remedy: 'name fewer files at a time with -f, or put more restores into one document',
    },
  );
}

export function tooManyRestores(declared: number): Diagnostic {
  return error(
    'too-many-restores',
    `${declared} restores are declared, the limit of one run is ${LIMITS.restores}`,
    {
      remedy: 'name fewer files at a time with -f',
    },
  );
}

/** Ends the reading of a file. */
export function tooManyProblems(file?: string): Diagnostic {
  return error('too-many-problems', `more than ${LIMITS.problems} problems; the rest is not shown`, {
    remedy: 'fix these first',
    ...(file === undefined ? {} : { where: { file } }),
  });
}

/** A key or value for a message: quoted, shortened, on one line. */
export function named(text: string): string {
  return JSON.stringify(shortened(text));
}

/** The part of a text that a message shows; the text may be as long as the file. */
export function shortened(text: string): string {
  return text.length > 64 ? `${text.slice(0, 61)}…` : text;
}
