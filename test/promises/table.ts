import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type Block, blocksOf } from './blocks.ts';

/** What README, docs and CHANGELOG promise, and the tests that would fail without it (`promises.yaml`). */
export type Table = Readonly<Record<DocumentPath, readonly Row[]>>;

/** Relative to the repository. */
export type DocumentPath = string;

export type Row = Promised | Explained;

interface Says {
  /** How one block of the document begins; long enough to fit no other block. */
  readonly says: string;
}

export interface Promised extends Says {
  /** `test/file.test.ts: title`, the title as it stands in the file, or its part before the first `${`. */
  readonly held_by: readonly string[];
}

export interface Explained extends Says {
  /** Why no test can fail without it: it introduces, explains, gives a figure of one run, or records a decision about the code. */
  readonly no_promise: string;
}

export function readTable(path: string): Table {
  return parse(readFileSync(path, 'utf8'));
}

/** What is wrong between a document and its rows. Empty: each block has exactly one row, and each row a block. */
export function compareRows(document: string, rows: readonly Row[]): string[] {
  const blocks = blocksOf(document);
  const rowsOf = new Map<Block, Row[]>(blocks.map((block) => [block, []]));
  const problems: string[] = [];
  for (const row of rows) {
    const said = blocks.filter(({ text }) => text.startsWith(row.says));
    if (said.length === 0) problems.push(`no block of the document begins with: ${row.says}`);
    // The same words said twice are one promise.
    if (new Set(said.map(({ text }) => text)).size > 1)
      problems.push(`several blocks begin with: ${row.says}`);
    else for (const block of said) rowsOf.get(block)?.push(row);
  }
  for (const [{ line, text }, found] of rowsOf)
    if (found.length !== 1) problems.push(`line ${line} has ${found.length} rows: ${text.slice(0, 90)}`);
  return problems;
}

/** What is wrong with the tests that a row names. `read` throws for a file that does not exist. */
export function compareTests(row: Promised, read: (path: string) => string): string[] {
  if (row.held_by.length === 0) return [`no test holds: ${row.says}`];
  return row.held_by.flatMap((named) => {
    const [, path, title] = /^(\S+?): (.+)$/.exec(named) ?? [];
    if (path === undefined || title === undefined) return [`not "file: title": ${named}`];
    try {
      return isTestTitle(read(path), title) ? [] : [`${path} has no test "${title}" (${row.says})`];
    } catch {
      return [`${path} does not exist (${row.says})`];
    }
  });
}

/** Whether a source has a test or a group of tests of that title; a test that is skipped holds nothing. */
export function isTestTitle(source: string, title: string): boolean {
  const escaped = title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll("'", "\\\\?'");
  return new RegExp(`\\b(?:it|describe)\\(\\s*(['"\`])${escaped}(?:\\1|\\$\\{)`).test(source);
}
