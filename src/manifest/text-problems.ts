import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { optional } from '../domain/optional.ts';
import { LIMITS } from './limits.ts';
import type { MapEntries } from './positions.ts';
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

export function problemAt(
  source: SourceText,
  offset: number,
  code: string,
  summary: string,
  remedy: string,
): Diagnostic {
  return error(code, summary, { remedy, where: source.place(offset) });
}

/** The problem of a key that may not be added to `data`. */
export function keyProblem(
  source: SourceText,
  offset: number,
  key: string,
  data: object,
  entries: MapEntries,
): Diagnostic | undefined {
  if (FORBIDDEN.has(key))
    return problemAt(source, offset, 'forbidden-key', `the key ${key} is not allowed`, 'remove it');
  if (!Object.hasOwn(data, key)) return undefined;
  const { line, column } = source.position(entries.firstOf(data, key) ?? offset);
  return {
    ...problemAt(source, offset, 'duplicate-key', `duplicate key ${named(key)}`, 'keep one of the two'),
    detail: `First at ${source.file}:${line}:${column}.`,
  };
}

/** The problem that the text at an offset exceeds a limit. */
function exceededLimit(code: string, summary: string, remedy: string) {
  return (source: SourceText, offset: number): Diagnostic => problemAt(source, offset, code, summary, remedy);
}

export const tooDeep = exceededLimit(
  'too-deep',
  `maps and lists are nested more than ${LIMITS.nesting} levels deep`,
  'a manifest needs 7 levels; remove the rest',
);
export const tooManyKeys = exceededLimit(
  'too-many-keys',
  `this map has more than ${LIMITS.keys} keys`,
  'remove the keys that a manifest does not have: vbsctl help manifest',
);
export const tooManySpaces = exceededLimit(
  'too-many-spaces',
  `more than ${LIMITS.spaces} spaces in a row`,
  'remove the spaces',
);
export const tooManyEscapes = exceededLimit(
  'too-many-escapes',
  `more than ${LIMITS.escapes} backslashes in one JSON file`,
  'a manifest needs few: write each character as it is',
);
export const tooManyValues = exceededLimit(
  'too-many-values',
  `more than ${LIMITS.values} values in one run`,
  'name fewer files at a time with -f',
);
export const tooManyDocuments = exceededLimit(
  'too-many-documents',
  `more than ${LIMITS.documents} documents in one run`,
  'name fewer files at a time with -f, or put more restores into one document',
);
export const tooManyAliases = exceededLimit(
  'too-many-aliases',
  `more than ${LIMITS.aliases} aliases in one document`,
  'write the values out, or use spec.defaults',
);
export const tooManyDirectives = exceededLimit(
  'yaml-syntax',
  `not valid YAML: more than ${LIMITS.yamlDirectives} lines of one document start with %`,
  'remove the lines, or indent them',
);
export const tooManyTokens = exceededLimit(
  'document-too-long',
  'this YAML document is too long to be read in one piece',
  'divide it into several documents with lines of ---, or write it as JSON',
);

export function tooManyRestores(declared: number): Diagnostic {
  const summary = `${declared} restores are declared, the limit of one run is ${LIMITS.restores}`;
  return error('too-many-declared-restores', summary, { remedy: 'name fewer files at a time with -f' });
}

/** Ends the reading of a file. */
export function tooManyProblems(file?: string): Diagnostic {
  return error('too-many-problems', `more than ${LIMITS.problems} problems; the rest is not shown`, {
    remedy: 'fix these first',
    ...optional('where', file === undefined ? undefined : { file }),
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
